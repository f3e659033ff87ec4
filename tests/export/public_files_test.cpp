#include <filesystem>
#include <octet/io/load.hpp>
#include <octet/operators/all.hpp>

#include "support/public_models.hpp"

// Every model among the shared files is written and read in both formats, and in one after the other: the same numbers,
// and of integer models the same bits. What a format does not have is an error that names the layer or tensor.

using namespace octet;
using namespace testing;

TEST_CASE("export: every public model keeps its numbers in both formats, and in one after the other") {
  const std::vector<std::string> files = public_models();
  if (files.empty()) MESSAGE("skipped: no shared models");
  int integer = 0, real = 0;
  for (const std::string& path : files) {
    CAPTURE(path);
    Model m;
    std::vector<AnyTensor> x, expected;
    if (!runs(path, m, x, expected)) continue;
    const bool quantized = has_codes(m);
    using Way = std::vector<Format>;
    for (const Way& way : {Way{Format::onnx}, Way{Format::tflite}, Way{Format::tflite, Format::onnx},
                           Way{Format::onnx, Format::tflite}}) {
      Model there = m;
      std::string passed;
      bool refused = false;
      CAPTURE(passed);
      for (Format f : way) {
        passed += std::string(" ") + testing::name(f);
        if (refused) break;
        try {
          there = through(there, f);
        } catch (const FormatError& e) {
          refused = true;
          const std::string text = e.what(), file = std::filesystem::path(path).filename().string();
          CAPTURE(text);
          CHECK(may_be_refused(file, f));
          CHECK((text.find("layer '") == 0 || text.find("constant '") == 0 || text.find("tensor '") == 0));
        }
      }
      if (refused) continue;
      const Difference d = difference(expected, run_model(there, inputs_like(x, there)));
      if (quantized)
        CHECK(d.different == 0);
      else
        CHECK(d.relative() <= 1e-5);
      (quantized ? integer : real) += 1;
    }
  }
  if (!files.empty()) {
    CHECK(integer >= 100);
    CHECK(real >= 100);
  }
  MESSAGE(integer, " ways of integer models, ", real, " of others");
}
