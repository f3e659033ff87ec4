#pragma once
#include <CLI/CLI.hpp>

/// The subcommands of the program. Each function adds one to `app`.
void add_compare(CLI::App& app);
void add_quantize(CLI::App& app);
/// Sets `status` to 3 if the target is missed.
void add_auto(CLI::App& app, int& status);
void add_why(CLI::App& app);
void add_convert(CLI::App& app);
void add_export(CLI::App& app);
void add_run(CLI::App& app);
void add_inspect(CLI::App& app);
void add_bench(CLI::App& app);
