// Times of single operators as float, int8, with dynamic range and with 16-bit activations, on one thread, as inside a
// network: those of int8 read and write uint8, those with 16-bit activations int16, the others float. The forms
// alternate, and each time is the shortest of many runs. Prints the ratio to float, the bytes of inputs and outputs per
// second of int8, and which operators exceed their limit: int8 may take at most the time of float, where it only moves
// or maps elements half of it, dynamic range at most that of float.
#include <CLI/CLI.hpp>
#include <chrono>
#include <iomanip>
#include <iostream>
#include <octet/runtime/executor.hpp>

#include "../examples/report/machine.hpp"
#include "../examples/report/table.hpp"
#include "models.hpp"
#include "operator_cases.hpp"

using namespace octet;

namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

/// A model with its inputs and outputs.
class Form {
 public:
  Form(const Model& model, const std::string& precision)
      : executor_(in_precision(model, precision, true), one_thread()),
        inputs_(random_inputs(executor_.graph())),
        outputs_(executor_.run(inputs_)) {
    for (const AnyTensor& t : inputs_) add(in_, t);
    for (const AnyTensor& t : outputs_) add(out_, t);
    while (group() < 20e-6) runs_ *= 2;
  }
  /// Short runs are timed in groups.
  void time() { least_ = std::min(least_, group() / static_cast<double>(runs_)); }
  double least() const { return least_; }
  double bytes() const { return bytes_; }

 private:
  static ExecutorOptions one_thread() {
    ExecutorOptions o;
    o.threads = 1;
    return o;
  }
  void add(std::vector<TensorRef>& refs, const AnyTensor& t) {
    refs.push_back(t.ref());
    bytes_ += static_cast<double>(refs.back().size_bytes());
  }
  double group() {
    const auto start = Clock::now();
    for (std::int64_t i = 0; i < runs_; ++i) executor_.run(in_.data(), out_.data());
    return seconds_since(start);
  }

  Executor executor_;
  std::vector<AnyTensor> inputs_, outputs_;
  std::vector<TensorRef> in_, out_;
  std::int64_t runs_ = 1;
  double least_ = 1e9, bytes_ = 0;
};

/// Bytes per second that memcpy reads and writes, of blocks of that size.
double copy_rate(std::size_t size) {
  std::vector<char> from(size, 1), to(size);
  double least = 1e9;
  for (int i = 0; i < 50; ++i) {
    const auto start = Clock::now();
    std::copy(from.begin(), from.end(), to.begin());
    from[static_cast<std::size_t>(i)] = to[size - 1];
    least = std::min(least, seconds_since(start));
  }
  return 2 * static_cast<double>(size) / least;
}

/// Printed at once, since all rows take minutes.
void print_row(const std::vector<std::string>& cells) {
  std::cout << std::left << std::setw(22) << cells[0] << std::setw(28) << cells[1] << std::right;
  for (std::size_t i = 2; i + 1 < cells.size(); ++i) std::cout << std::setw(i == 6 ? 15 : 12) << cells[i];
  std::cout << "  " << cells.back() << std::endl;
}

std::string ratio(const Form& form, const Form& to) { return report::fixed(form.least() / to.least(), 2); }

void measure(std::vector<Form>& forms, double seconds) {
  const auto start = Clock::now();
  for (int i = 0; i < 20 || seconds_since(start) < seconds; ++i)
    for (Form& f : forms) f.time();
}

}  // namespace

int main(int argc, char** argv) {
  std::string filter;
  double seconds = 0.3;
  CLI::App app("Measures single operators in every form");
  app.add_option("--filter", filter, "Only operators whose name contains this text");
  app.add_option("--seconds", seconds, "Time for each operator")->check(CLI::PositiveNumber)->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    std::cout << report::machine_description(1) << ", memcpy of 256 kB " << report::fixed(copy_rate(1 << 18) / 1e9, 1)
              << " GB/s, of 64 MB " << report::fixed(copy_rate(1 << 26) / 1e9, 1) << " GB/s\n";
    report::TextTable table(
        {"Operator", "Shape", "float us", "int8 us", "int8/float", "int8 GB/s", "dynamic/float", "int16/int8", ""});
    int exceeded = 0;
    for (const OperatorCase& c : operator_cases()) {
      if (c.name.find(filter) == std::string::npos) continue;
      std::vector<Form> forms;
      forms.reserve(4);
      forms.emplace_back(c.model, "fp32");
      forms.emplace_back(c.model, "int8");
      if (c.weights)
        for (const char* precision : {"dynamic", "int16"}) forms.emplace_back(c.model, precision);
      measure(forms, seconds);
      const bool slow = forms[1].least() > (c.elementwise ? 0.5 : 1.0) * forms[0].least();
      exceeded += slow;
      print_row({c.name, c.shape, report::fixed(forms[0].least() * 1e6, 2), report::fixed(forms[1].least() * 1e6, 2),
                 ratio(forms[1], forms[0]), report::fixed(forms[1].bytes() / forms[1].least() / 1e9, 1),
                 c.weights ? ratio(forms[2], forms[0]) : "", c.weights ? ratio(forms[3], forms[1]) : "",
                 slow ? "above its limit" : ""});
    }
    std::cout << exceeded << " above their limit\n";
  } catch (const std::exception& e) {
    std::cerr << "octet_bench_operators: " << e.what() << "\n";
    return 1;
  }
}
