#pragma once
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <octet/io/load.hpp>
#include <octet/io/model_file.hpp>
#include <sstream>

#include "exported.hpp"
#include "files.hpp"

/// Other programs that run written files: ONNX Runtime and LiteRT. OCTET_JUDGES: a folder in which
/// `npm install --ignore-scripts onnxruntime-node @litertjs/core` was run. Without it the tests that use them say that
/// they are skipped.
namespace testing {

/// How far another program's outputs may be from octet's.
struct Agreement {
  double relative = 1e-5;  ///< of float outputs, as a part of the largest number
  int steps = 0;           ///< of codes
};

class Judge {
 public:
  /// builtin: LiteRT's own kernels in place of XNNPACK.
  explicit Judge(Format f, bool builtin = false) : format_(f), builtin_(builtin) {
    const char* folder = std::getenv("OCTET_JUDGES");
    const std::string runner = shared_file("peers/litert_run.mjs");
    ready_ = folder && std::system("node --version > /dev/null 2>&1") == 0 && (f == Format::onnx || !runner.empty());
    if (!ready_)
      MESSAGE("skipped: ", std::string(testing::name(f)), " files are not run by others (OCTET_JUDGES is not set)");
    if (ready_ && f == Format::tflite) ::setenv("OCTET_LITERT_RUN", runner.c_str(), 0);
  }
  bool ready() const { return ready_; }

  /// Writes the model.
  void add(const std::string& name, const Model& m, const Agreement& a = {}) {
    const std::string path = next_path();
    save(m, path);
    add_file(name, path, a);
  }
  /// A file of the judge's format, as octet reads it, with random inputs.
  void add_file(const std::string& name, const std::string& file, const Agreement& a = {}) {
    LoadOptions o;
    o.keep_layout = true;
    if (format_ == Format::tflite) o.rounding = builtin_ ? Rounding::litert : Rounding::xnnpack;
    const Model m = load(file, o);
    const std::vector<AnyTensor> x = random_inputs(m, 3);
    const std::string path = next_path();
    if (path != file) std::filesystem::copy_file(file, path);
    std::string bytes, shapes;
    for (const AnyTensor& t : x) {
      bytes.append(reinterpret_cast<const char*>(t.data()), t.size_bytes());
      for (int d = 0; d < t.shape().rank(); ++d) shapes += std::to_string(t.shape()[d]) + " ";
      shapes += "\n";
    }
    write_file(path + ".in", bytes);
    write_file(path + ".shapes", shapes);
    Model by_default = m;
    by_default.rounding = Rounding::fp32;
    all_.push_back({name, path, run_model(m, x), run_model(by_default, x), a});
  }

  /// Runs all files and compares.
  void judge() {
    const std::string script = format_ == Format::onnx ? "onnx_runtime.mjs" : "litert.mjs";
    std::string command = std::string("node ") + OCTET_JUDGE_SCRIPTS + "/" + script + (builtin_ ? " --builtin" : "");
    for (const Exported& e : all_) command += " " + e.path;
    REQUIRE(std::system(command.c_str()) == 0);
    for (const Exported& e : all_) compare(e);
    MESSAGE(std::string(testing::name(format_)), ": ", all_.size(), " files, ", numbers_, " numbers, of which ",
            different_, " are not the same bits", others_);
  }

 private:
  /// A model in a file, and octet's results: with the judge's rounding, and with the default.
  struct Exported {
    std::string name, path;
    std::vector<AnyTensor> expected, by_default;
    Agreement agreement;
  };

  std::string next_path() const {
    return folder_ / (std::to_string(all_.size()) + (format_ == Format::onnx ? ".onnx" : ".tflite"));
  }

  void compare(const Exported& e) {
    CAPTURE(e.name);
    const bool ran = std::filesystem::exists(e.path + ".out");
    CHECK(ran);
    if (!ran) return;
    const std::string found = contents(e.path + ".out");
    std::size_t at = 0;
    for (std::size_t i = 0; i < e.expected.size(); ++i) {
      const AnyTensor& t = e.expected[i];
      REQUIRE(found.size() >= at + t.size_bytes());
      const AnyTensor other = AnyTensor::make(
          t.dtype(), t.shape(), [&](std::byte* to) { std::memcpy(to, found.data() + at, t.size_bytes()); });
      const Difference d = difference({t}, {other}), by_default = difference({e.by_default[i]}, {other});
      numbers_ += d.elements;
      different_ += d.different;
      if (d.different + by_default.different > 0)
        others_ += "\n  " + e.name + ": " + text(d) + "; by default " + text(by_default);
      CAPTURE(d.different);
      CAPTURE(d.worst);
      CHECK(d.worst <= (is_floating(t.dtype()) ? e.agreement.relative * std::max(d.largest, 1e-9)
                                               : static_cast<double>(e.agreement.steps)));
      at += t.size_bytes();
    }
    CHECK(at == found.size());
  }
  static std::string text(const Difference& d) {
    std::ostringstream out;
    out << d.elements - d.different << " of " << d.elements << " are octet's, the others up to " << d.worst << " off";
    return out.str();
  }

  Format format_;
  bool builtin_ = false, ready_ = false;
  TemporaryFolder folder_;
  std::vector<Exported> all_;
  std::int64_t numbers_ = 0, different_ = 0;
  std::string others_;
};

}  // namespace testing
