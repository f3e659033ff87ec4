#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <map>
#include <octet/files/read_file.hpp>
#include <octet/import/onnx/importer.hpp>
#include <octet/import/onnx/onnx.hpp>
#include <octet/operators/all.hpp>
#include <octet/runtime/executor.hpp>
#include <protozero/pbf_writer.hpp>
#include <random>

#include "testing.hpp"

// The node tests of the ONNX project (a model, inputs and outputs each), if the folder of real models has them.
namespace {

namespace fs = std::filesystem;
using namespace octet;

std::string shared_folder() {
  if (const char* folder = std::getenv("OCTET_SHARED")) return folder;
#ifdef OCTET_SHARED_DIR
  return OCTET_SHARED_DIR;
#else
  return {};
#endif
}

/// Operators on sequences and optional values, which octet does not support.
const std::map<std::string, std::string> expected_failures{
    {"test_identity_opt", "expected a tensor, found optional"},
    {"test_identity_sequence", "expected a tensor, found sequence"}};

struct Case {
  std::string model;
  std::vector<std::string> input_messages;
  std::vector<AnyTensor> inputs, outputs;
};

std::vector<std::string> messages(const fs::path& folder, const std::string& prefix) {
  std::vector<std::string> all;
  for (int i = 0; fs::exists(folder / (prefix + std::to_string(i) + ".pb")); ++i)
    all.push_back(detail::read_file((folder / (prefix + std::to_string(i) + ".pb")).string(), 1 << 28));
  return all;
}

AnyTensor tensor_of(const std::string& message) {
  return detail::onnx::read_tensor(detail::onnx::parse_tensor(message), {});
}

/// The model with all inputs except the first one as initializers, which are appended to the message.
std::string with_parameters(const Case& c, const std::vector<std::string>& input_names) {
  std::string graph, model = c.model;
  for (std::size_t i = 1; i < c.input_messages.size(); ++i) {
    std::string tensor = c.input_messages[i];
    protozero::pbf_writer(tensor).add_string(8, input_names.at(i));
    protozero::pbf_writer(graph).add_message(5, tensor);
  }
  protozero::pbf_writer(model).add_message(7, graph);
  return model;
}

/// Describes what is wrong with a result, or returns an empty text.
std::string difference(const AnyTensor& got, const AnyTensor& expected) {
  if (got.dtype() != expected.dtype() || got.shape() != expected.shape())
    return detail::concat("is ", name(got.dtype()), got.shape(), ", expected ", name(expected.dtype()),
                          expected.shape());
  for (std::int64_t i = 0; i < got.size(); ++i) {
    const double a = detail::load_element(got.dtype(), got.data(), i),
                 b = detail::load_element(expected.dtype(), expected.data(), i);
    const double tolerance = is_floating(got.dtype()) ? 1e-7 + 1e-3 * std::abs(b) : 0;
    const bool same = a == b || (std::isnan(a) && std::isnan(b)) || std::abs(a - b) <= tolerance;
    if (!same) return detail::concat("has ", a, " at ", i, ", expected ", b);
  }
  return {};
}

std::string run(const std::string& model, const std::string& source, const std::vector<AnyTensor>& inputs,
                const Case& c) {
  LoadOptions options;
  options.keep_layout = true;
  options.onnx_reference = true;
  const std::vector<std::uint8_t> bytes(model.begin(), model.end());
  const Model m = parse_onnx(bytes, source, options);
  for (const bool optimize : {false, true}) {
    ExecutorOptions o;
    o.threads = 1;
    o.optimize = optimize;
    const std::vector<AnyTensor> outputs = Executor(m, o).run(inputs);
    if (outputs.size() != c.outputs.size()) return "wrong number of outputs";
    for (std::size_t i = 0; i < outputs.size(); ++i)
      if (const std::string d = difference(outputs[i], c.outputs[i]); !d.empty())
        return detail::concat("WRONG: output ", i, " ", d, optimize ? " (optimized)" : "");
  }
  return {};
}

/// Why the test fails, or an empty text.
std::string check(const fs::path& folder) {
  Case c;
  c.model = detail::read_file((folder / "model.onnx").string(), 1 << 28);
  c.input_messages = messages(folder / "test_data_set_0", "input_");
  const std::string name = folder.filename().string();
  const detail::onnx::ModelProto proto = detail::onnx::parse_model(c.model);
  std::string with_inputs = "cannot be read", as_constants;
  try {
    if (std::string(proto.graph.inputs.at(0).kind) == "tensor") {
      for (const std::string& m : c.input_messages) c.inputs.push_back(tensor_of(m));
      for (const std::string& m : messages(folder / "test_data_set_0", "output_")) c.outputs.push_back(tensor_of(m));
    }
    with_inputs = run(c.model, name, c.inputs, c);
  } catch (const Error& e) {
    with_inputs = e.what();
  }
  if (c.inputs.size() < 2) return with_inputs;
  try {
    std::vector<std::string> names;
    for (const auto& i : proto.graph.inputs) names.emplace_back(i.name);
    as_constants = run(with_parameters(c, names), name + " with constants", {c.inputs[0]}, c);
  } catch (const Error& e) {
    as_constants = e.what();
  }
  // Inputs that have to be constant on import are supported only as initializers.
  const bool needs_constants = with_inputs.find("has to be constant") != std::string::npos;
  return with_inputs.empty() || needs_constants ? as_constants : with_inputs;
}

}  // namespace

TEST_CASE("onnx: the node tests of the ONNX project") {
  const fs::path archive = fs::path(shared_folder()) / "conformance" / "onnx_node_tests.tar.xz";
  if (!fs::exists(archive)) {
    MESSAGE("skipped: no " << archive.string() << " (set OCTET_SHARED)");
    return;
  }
  const fs::path folder = fs::temp_directory_path() / ("octet_onnx_" + std::to_string(std::random_device{}()));
  fs::create_directories(folder);
  const std::string unpack = "tar -xJf \"" + archive.string() + "\" -C \"" + folder.string() + "\"";
  REQUIRE(std::system(unpack.c_str()) == 0);

  std::map<std::string, std::string> failures;
  int total = 0;
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (!fs::exists(entry.path() / "model.onnx")) continue;
    ++total;
    const std::string why = check(entry.path());
    if (!why.empty()) failures[entry.path().filename().string()] = why;
  }
  fs::remove_all(folder);

  std::cout << "onnx node tests: " << total - static_cast<int>(failures.size()) << " of " << total << " pass\n";
  for (const auto& [name, why] : failures) std::cout << "  " << name << ": " << why << "\n";
  CHECK(total > 0);
  for (const auto& failure : failures) {
    const std::string &name = failure.first, &why = failure.second;
    const auto expected = expected_failures.find(name);
    const bool known = expected != expected_failures.end() && why.find(expected->second) != std::string::npos;
    CHECK_MESSAGE(known, name << ": " << why);
  }
  for (const auto& expected : expected_failures)
    CHECK_MESSAGE(failures.count(expected.first) == 1, expected.first << " passes: remove it from the list");
}
