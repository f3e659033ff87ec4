#include <octet/operators/all.hpp>

#include "support/judge.hpp"
#include "support/public_models.hpp"

// The integer models of others among the shared files: ONNX Runtime and LiteRT compute octet's numbers, for the files
// as they are, and for what octet writes of them in both formats.

using namespace octet;
using namespace testing;

namespace {

void judge_public_files(Format f, bool builtin = false) {
  Judge judge(f, builtin);
  if (!judge.ready()) return;
  for (const std::string& path : public_models()) {
    CAPTURE(path);
    Model m;
    std::vector<AnyTensor> x, y;
    if (!runs(path, m, x, y) || !has_codes(m)) continue;
    const std::string file = std::filesystem::path(path).filename().string();
    const bool same_format = (std::filesystem::path(path).extension() == ".onnx") == (f == Format::onnx);
    if (same_format) judge.add_file(file, path);
    try {
      judge.add(file + (same_format ? ", written again" : ", converted"), m);
    } catch (const FormatError&) {
      CHECK(may_be_refused(file, f));
    }
  }
  judge.judge();
}

}  // namespace

TEST_CASE("judged files: ONNX Runtime runs public integer models with octet's numbers") {
  judge_public_files(Format::onnx);
}
TEST_CASE("judged files: LiteRT runs public integer models with octet's numbers") {
  judge_public_files(Format::tflite);
}
TEST_CASE("judged files: LiteRT's own kernels run public integer models with octet's numbers") {
  judge_public_files(Format::tflite, true);
}
