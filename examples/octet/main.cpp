/// octet: quantizes trained networks and compares, runs, inspects and times them.
#include "commands.hpp"

#include <cstdio>
#include <exception>
#include <octet/core/config.hpp>
#include <string>

namespace {

/// A one-line message and the exit status.
int complain(std::string what, int status) {
  for (char& c : what)
    if (c == '\n' || c == '\r') c = ' ';
  std::fprintf(stderr, "octet: %s\n", what.c_str());
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  CLI::App app(
      "Quantizes trained convolutional networks (.onnx, .tflite, .octet) and compares, runs, inspects and "
      "times them.");
  app.set_version_flag("--version", OCTET_VERSION);
  app.require_subcommand(1);
  add_compare(app);
  add_quantize(app);
  add_run(app);
  add_inspect(app);
  add_bench(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help, --version
    if (app.get_subcommands().empty())
      return complain((argc > 1 ? "there is no command or option '" + std::string(argv[1]) + "'" : "no command given") +
                          " (compare, quantize, run, inspect, bench; octet --help)",
                      2);
    return complain(std::string(e.what()) + " (octet --help, octet COMMAND --help)", 2);
  } catch (const std::bad_alloc&) {
    return complain("out of memory", 1);
  } catch (const std::exception& e) {
    return complain(e.what(), 1);
  }
  if (std::fflush(stdout) != 0) return complain("cannot write the output", 1);
  return 0;
}
