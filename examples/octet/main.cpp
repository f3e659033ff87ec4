/// octet: quantizes trained networks, compares, runs, inspects and benchmarks them.
#include <octet/core/config.hpp>

#include "../common/program.hpp"
#include "commands.hpp"

namespace {

int refuse(const CLI::ParseError& e, const CLI::App& app, int argc, char** argv) {
  if (!app.get_subcommands().empty())
    return complain("octet", std::string(e.what()) + " (octet --help, octet COMMAND --help)", 2);
  return complain("octet",
                  (argc > 1 ? "unknown command or option '" + std::string(argv[1]) + "'" : "no command given") +
                      " (compare, quantize, why, run, inspect, bench; octet --help)",
                  2);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Quantizes trained convolutional networks (.onnx, .tflite, .octet), compares, runs, inspects and "
      "benchmarks them.");
  app.set_version_flag("--version", OCTET_VERSION);
  app.require_subcommand(1);
  add_compare(app);
  add_quantize(app);
  add_why(app);
  add_run(app);
  add_inspect(app);
  add_bench(app);
  int status = 0;
  // Commands run as callbacks while the command line is parsed.
  const int failed = guarded("octet", [&] {
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      status = e.get_exit_code() == 0 ? app.exit(e) : refuse(e, app, argc, argv);
    }
  });
  return failed ? failed : status;
}
