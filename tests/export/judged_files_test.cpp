#include <octet/operators/all.hpp>

#include "support/judge.hpp"
#include "support/public_models.hpp"

// The integer models of others among the shared files: ONNX Runtime and LiteRT compute octet's numbers, for the files
// as they are, and for what octet writes of them in both formats.

using namespace octet;
using namespace testing;

namespace {

/// How far a file may be off. ONNX Runtime makes one of two QuantizeLinear that follow each other, so that some codes
/// differ by one.
Agreement agreement(const std::string& file, Format f) {
  const bool two = f == Format::onnx && (file == "net_int8.tflite" || file == "net_int8_float_io.tflite");
  return two ? Agreement{0.01, 1} : Agreement();
}

/// Files of which the runner of LiteRT's own kernels leaves a layer to XNNPACK (a transposed convolution, a
/// conversion), or cannot read the output, whose shape is computed then (a mean).
bool own_kernels_do_not_run(const std::string& file) {
  const auto all = {"transpose_conv.tflite", "qdq_convt.onnx", "concat_requantized.tflite", "mean.tflite"};
  return std::find(all.begin(), all.end(), file) != all.end();
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
    if (builtin && own_kernels_do_not_run(file)) continue;
    const Agreement a = agreement(file, f);
    const bool same_format = (std::filesystem::path(path).extension() == ".onnx") == (f == Format::onnx);
    if (same_format) judge.add_file(file, path, a);
    try {
      judge.add(file + (same_format ? ", written again" : ", converted"), m, a);
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
