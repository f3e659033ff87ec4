#include <octet/import/onnx/registry.hpp>
#include <octet/import/tflite/registry.hpp>
#include <octet/operators/register_operator.hpp>
#include <set>

#include "support/files.hpp"
#include "testing.hpp"

// The list of operators is complete: every declared operator is in it, in all.hpp and implementation.hpp, and can come
// from a file. (model_file_test.cpp saves each with all its parameters, every_form_test.cpp runs each in all forms.)

namespace {

using namespace testing;
namespace fs = std::filesystem;

const fs::path headers = OCTET_HEADERS;

/// An operator of ONNX or TFLite that is imported as this type; neither: see `internal`.
struct Imported {
  const char *type, *onnx, *tflite;
};
constexpr Imported imported[] = {{"ArgMax", "ArgMax", "ARG_MAX"},
                                 {"ArgMaxPool", nullptr, "CUSTOM MaxPoolingWithArgmax2D"},
                                 {"AveragePool", "AveragePool", "AVERAGE_POOL_2D"},
                                 {"BatchNormalization", "BatchNormalization", nullptr},
                                 {"Binary", "Add", "ADD"},
                                 {"Compress", "Compress", nullptr},
                                 {"Concat", "Concat", "CONCATENATION"},
                                 {"ConvInteger", "ConvInteger", nullptr},
                                 {"Convert", "Cast", "QUANTIZE"},
                                 {"Convolution", "Conv", "CONV_2D"},
                                 {"CumulativeSum", "CumSum", "CUMSUM"},
                                 {"DequantizeLinear", "DequantizeLinear", nullptr},
                                 {"DetectionPostProcess", nullptr, "CUSTOM TFLite_Detection_PostProcess"},
                                 {"Dropout", "Dropout", nullptr},
                                 {"DynamicQuantizeLinear", "DynamicQuantizeLinear", nullptr},
                                 {"Expand", "Expand", nullptr},
                                 {"Flatten", "Flatten", nullptr},
                                 {"FullyConnected", "Gemm", "FULLY_CONNECTED"},
                                 {"Gather", "Gather", "GATHER"},
                                 {"GatherElements", "GatherElements", nullptr},
                                 {"GatherND", "GatherND", "GATHER_ND"},
                                 {"GridSample", "GridSample", nullptr},
                                 {"Identity", "Identity", nullptr},
                                 {"LocalResponseNormalization", "LRN", "LOCAL_RESPONSE_NORMALIZATION"},
                                 {"MatMul", "MatMul", "BATCH_MATMUL"},
                                 {"MatMulInteger", "MatMulInteger", nullptr},
                                 {"MaxPool", "MaxPool", "MAX_POOL_2D"},
                                 {"PRelu", "PRelu", "PRELU"},
                                 {"Parametrized", "Reshape", nullptr},
                                 {"MaxUnpool", nullptr, "CUSTOM MaxUnpooling2D"},
                                 {"NonMaxSuppression", "NonMaxSuppression", nullptr},
                                 {"NonZero", "NonZero", "WHERE"},
                                 {"NumberRange", "Range", nullptr},
                                 {"Pad", "Pad", "PAD"},
                                 {"QuantizeLinear", "QuantizeLinear", nullptr},
                                 {"Recurrent", "LSTM", nullptr},
                                 {"Reduce", "ReduceMean", "MEAN"},
                                 {"Reshape", "Reshape", "RESHAPE"},
                                 {"Resize", "Resize", "RESIZE_BILINEAR"},
                                 {"ReverseSequence", "ReverseSequence", "REVERSE_SEQUENCE"},
                                 {"ScatterElements", "ScatterElements", nullptr},
                                 {"ScatterND", "ScatterND", "SCATTER_ND"},
                                 {"SizesOf", "Shape", nullptr},
                                 {"Slice", "Slice", "SLICE"},
                                 {"SoftNonMaxSuppression", nullptr, "NON_MAX_SUPPRESSION_V5"},
                                 {"Softmax", "Softmax", "SOFTMAX"},
                                 {"Split", "Split", "SPLIT"},
                                 {"Squeeze", "Squeeze", "SQUEEZE"},
                                 {"TopK", "TopK", "TOPK_V2"},
                                 {"Transpose", "Transpose", "TRANSPOSE"},
                                 {"TransposedConvolution", "ConvTranspose", "TRANSPOSE_CONV"},
                                 {"Unary", "Sigmoid", "LOGISTIC"},
                                 {"Unpool", "MaxUnpool", nullptr},
                                 {"Unsqueeze", "Unsqueeze", "EXPAND_DIMS"},
                                 {"Where", "Where", nullptr}};
/// Types that only octet creates, for quantization-aware training.
const std::set<std::string> internal{"FakeQuantize", "FakeQuantizeSums", "FakeQuantizeWeights"};
/// Types that only executors create; files cannot contain them.
const std::set<std::string> joined{"CodeFunction", "ConvolutionChain", "MomentNormalization", "PooledConvolution"};

std::set<std::string> listed() {
  std::set<std::string> all;
  for (const octet::detail::OperatorType& t : octet::detail::built_in_operators()) all.insert(t.name);
  return all;
}

/// The types that a header declares.
std::vector<std::string> types_in(const std::string& text) {
  const std::string mark = "type_name = \"";
  std::vector<std::string> all;
  for (std::size_t at = text.find(mark); at != std::string::npos; at = text.find(mark, at + 1)) {
    const std::size_t from = at + mark.size();
    all.push_back(text.substr(from, text.find('"', from) - from));
  }
  return all;
}

}  // namespace

TEST_CASE("operators: every declared operator is in the list, and its files are in all.hpp and implementation.hpp") {
  const std::string all = contents((headers / "operators/all.hpp").string()),
                    definitions = contents((headers / "implementation.hpp").string());
  std::set<std::string> declared = joined;
  for (const auto& entry : fs::recursive_directory_iterator(headers / "operators")) {
    const fs::path& path = entry.path();
    const std::string name = path.lexically_relative(headers / "operators").generic_string();
    if (path.extension() == ".inl")
      CHECK_MESSAGE(definitions.find("\"operators/" + name + "\"") != std::string::npos,
                    name << ": implementation.hpp");
    if (path.extension() != ".hpp") continue;
    const std::vector<std::string> types = types_in(contents(path.string()));
    declared.insert(types.begin(), types.end());
    if (!types.empty()) CHECK_MESSAGE(all.find("\"" + name + "\"") != std::string::npos, name << ": all.hpp");
  }
  std::set<std::string> known = listed();
  CHECK(known.size() == octet::detail::built_in_operators().size());
  known.insert(joined.begin(), joined.end());
  for (const std::string& type : declared) CHECK_MESSAGE(known.count(type) == 1, type);
  CHECK(declared.size() == known.size());
}

TEST_CASE("operators: each can come from a file, or is created only by octet") {
  std::set<std::string> known = internal;
  for (const Imported& i : imported) {
    CAPTURE(i.type);
    known.insert(i.type);
    CHECK((i.onnx || i.tflite));
    if (i.onnx) CHECK(bool{octet::detail::onnx::find_handler("", i.onnx) != nullptr});
    if (i.tflite) CHECK(bool{octet::detail::tflite::find_handler(i.tflite) != nullptr});
  }
  for (const std::string& type : listed()) CHECK_MESSAGE(known.count(type) == 1, type);
}

TEST_CASE("operators: the lists of ONNX's image operators and reordering operators name operators that are imported") {
  using namespace octet::detail::onnx;
  for (const auto* list : {&image_operators(), &reordering_operators()})
    for (const std::string_view type : *list)
      CHECK_MESSAGE(bool{find_handler("", type) || find_handler("com.microsoft", type)}, std::string(type));
  for (const std::string_view type : image_operators()) CHECK(reordering_operators().count(type) == 0);
}

TEST_CASE("operators: each can be created, copied and named") {
  for (const octet::detail::OperatorType& t : octet::detail::built_in_operators()) {
    CAPTURE(t.name);
    const auto op = t.make();
    CHECK(op->type() == t.name);
    CHECK(t.copy(*op)->type() == t.name);
    CHECK(octet::detail::find_operator(t.name) == &t);
  }
}
