#include <octet/operators/all.hpp>

#include "support/judge.hpp"
#include "support/public_models.hpp"

// Integer models of others among the shared files: octet's numbers are those of ONNX Runtime and LiteRT, for the file
// as it is, and for what octet writes of it in both formats.

using namespace octet;
using namespace testing;

namespace {

Format format_of(const std::string& path) {
  return std::filesystem::path(path).extension() == ".onnx" ? Format::onnx : Format::tflite;
}

struct Otherwise {
  Format format;
  bool builtin;
  const char* start;
  int steps;
};
const std::vector<Otherwise> otherwise{};

/// Steps that a file's codes may be off.
int allowed_steps(Format f, bool builtin, const std::string& file) {
  for (const Otherwise& o : otherwise)
    if (o.builtin == builtin && o.format == f && file.compare(0, std::string(o.start).size(), o.start) == 0) return o.steps;
  return 0;
}

void judge_public_files(Format f, bool builtin = false) {
  Judge judge(f, builtin);
  if (!judge.ready()) return;
  for (const std::string& path : public_models()) {
    CAPTURE(path);
    Model m;
    std::vector<AnyTensor> x, y;
    if (!runs(path, m, x, y) || !has_codes(m)) continue;
    const std::string file = std::filesystem::path(path).filename().string();
    const Agreement a{1e-5, allowed_steps(f, builtin, file)};
    if (format_of(path) == f) judge.add_file(file, path, a);
    try {
      judge.add(file + ", written again", m, a);
    } catch (const FormatError&) {
      CHECK(may_be_refused(file, f));
    }
  }
  judge.judge();
}

}  // namespace

TEST_CASE("judged files: public integer models have octet's numbers in ONNX Runtime") {
  judge_public_files(Format::onnx);
}
TEST_CASE("judged files: public integer models have octet's numbers in LiteRT") { judge_public_files(Format::tflite); }
TEST_CASE("judged files: public integer models have octet's numbers in LiteRT's own kernels") {
  judge_public_files(Format::tflite, true);
}
