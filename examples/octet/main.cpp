/// octet: quantizes trained networks, converts, compares, runs, inspects and benchmarks them.
#include <octet/core/cpu.hpp>

#include <cstdlib>

#include "../common/program.hpp"
#include "../common/text.hpp"
#include "commands.hpp"

namespace {

int refuse(const CLI::ParseError& e, const CLI::App& app, int argc, char** argv) {
  if (!app.get_subcommands().empty())
    return complain("octet", std::string(e.what()) + " (octet --help, octet COMMAND --help)", 2);
  return complain("octet",
                  (argc > 1 ? "unknown command or option '" + std::string(argv[1]) + "'" : "no command given") +
                      " (compare, quantize, auto, convert, export, why, run, inspect, bench; octet --help)",
                  2);
}

/// Throws Error if OCTET_ISA is not the name of an instruction set of this processor.
void check_isa() {
  const char* want = std::getenv("OCTET_ISA");
  if (!want || !*want) return;
  std::string names;
  for (octet::Isa i : octet::all_isas) {
    if (!octet::has_isa(i)) continue;
    if (std::string(want) == octet::name(i)) return;
    names += (names.empty() ? "" : ", ") + std::string(octet::name(i));
  }
  require(false, "OCTET_ISA is '", want, "', expected one that this processor supports: ", names);
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Quantizes trained convolutional networks (.onnx, .tflite, .octet), converts, compares, runs, inspects and "
      "benchmarks them.");
  app.set_version_flag("--version", OCTET_VERSION);
  app.require_subcommand(1);
  int status = 0;
  add_compare(app);
  add_quantize(app);
  add_auto(app, status);
  add_convert(app);
  add_export(app);
  add_why(app);
  add_run(app);
  add_inspect(app);
  add_bench(app);
  // Commands run as callbacks while the command line is parsed.
  const int failed = guarded("octet", [&] {
    check_isa();
    try {
      app.parse(argc, argv);
    } catch (const CLI::ParseError& e) {
      status = e.get_exit_code() == 0 ? app.exit(e) : refuse(e, app, argc, argv);
    }
  });
  return failed ? failed : status;
}
