#pragma once
#include <CLI/CLI.hpp>
#include <cstdio>
#include <exception>
#include <string>

/// Prints a one-line error message and returns the exit status.
inline int complain(const std::string& program, std::string what, int status) {
  for (char& c : what)
    if (c == '\n' || c == '\r') c = ' ';
  std::fprintf(stderr, "%s: %s\n", program.c_str(), what.c_str());
  return status;
}

/// Calls f and returns the program's exit status. If f throws, prints the error in one line and returns 1.
template <class F>
int guarded(const std::string& program, F f) {
  try {
    f();
  } catch (const std::bad_alloc&) {
    return complain(program, "out of memory", 1);
  } catch (const std::exception& e) {
    return complain(program, e.what(), 1);
  }
  return std::fflush(stdout) == 0 ? 0 : complain(program, "cannot write the output", 1);
}

/// The main function of a program without subcommands: parses the command line, then calls `run`.
template <class F>
int run_program(CLI::App& app, int argc, char** argv, F run) {
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& e) {
    if (e.get_exit_code() == 0) return app.exit(e);  // --help
    return complain(app.get_name(), std::string(e.what()) + " (" + app.get_name() + " --help)", 2);
  }
  return guarded(app.get_name(), run);
}
