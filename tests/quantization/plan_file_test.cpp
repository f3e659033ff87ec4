#include <octet/quantization/plan_file.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace octet;
using namespace testing;

TEST_CASE("plan: files that are not valid are refused with the file's name and the place") {
  const TemporaryFile file("bad_plan.json");
  const auto error = [&](const std::string& text) {
    write_file(file.path, text);
    const std::string found = message([&] { load_plan(file.path); });
    CAPTURE(text);
    CAPTURE(found);
    CHECK(found.find(file.path) != std::string::npos);
    return found;
  };
  for (const char* text :
       {"", "{", "[]", "{}", "null", R"({"octet_plan": 2})", R"({"octet_plan": 1, "activations": {}})",
        R"({"octet_plan": 1, "activations": [], "layers": {}})", R"({"octet_plan": 1, "activations": {}, "layers": 3})",
        R"({"octet_plan": 1, "activations": {}, "layers": {}, "rounding": "up"})",
        R"({"octet_plan": 1, "activations": {}, "layers": {}, "integer_input": 1})",
        R"({"octet_plan": 1, "activations": {}, "layers": {}, "extra": 1})"})
    error(text);
  error(std::string(100000, '['));
  for (const char* a : {"1", "{}", R"({"scale": 1})", R"({"scale": "1", "zero_point": 0})",
                        R"({"scale": 0, "zero_point": 0})", R"({"scale": -1, "zero_point": 0})",
                        R"({"scale": null, "zero_point": 0})", R"({"scale": 1e300, "zero_point": 0})",
                        R"({"scale": 1, "zero_point": 128})", R"({"scale": 1, "zero_point": 0.5})",
                        R"({"scale": 1, "zero_point": 1e30})", R"({"scale": 1, "zero_point": 0, "zero": 1})"})
    CHECK(has(error(R"({"octet_plan": 1, "layers": {}, "activations": {"conv/out": )" + std::string(a) + "}}"),
              {"tensor 'conv/out'"}));
  for (const char* l :
       {"1", "{}", R"({"form": "int9"})", R"({"form": 8})", R"({"form": "int8", "weights": 1})",
        R"({"form": "int8", "weights": {}})", R"({"form": "int8", "weights": {"scale": "1"}})",
        R"({"form": "int8", "weights": {"scale": 0}})", R"({"form": "int8", "weights": {"scale": [1, -1]}})",
        R"({"form": "int8", "weights": {"scale": [[1]]}})", R"({"form": "int8", "weights": {"scale": 1, "bits": 16}})",
        R"({"form": "int8", "weights": {"scale": 1, "codes": 1}})",
        R"({"form": "int8", "weights": {"scale": 1, "codes": [128]}})",
        R"({"form": "int8", "weights": {"scale": 1, "bits": 4, "codes": [8]}})",
        R"({"form": "int8", "weights": {"scale": 1, "scales": 1}})", R"({"form": "int8", "input_means": 1})",
        R"({"form": "int8", "input_means": ["1"]})"})
    CHECK(has(error(R"({"octet_plan": 1, "activations": {}, "layers": {"conv1": )" + std::string(l) + "}}"),
              {"layer 'conv1'"}));
  CHECK(has(message([&] { load_plan("/no/such/plan.json"); }), {"cannot read plan", "/no/such/plan.json"}));
  QuantizationPlan plan;
  plan.layers["\xff"];
  CHECK(has(message([&] { save(plan, file.path); }), {"layer", "UTF-8"}));
  plan = {};
  plan.activations["x"].scale = 0;
  write_file(file.path, "precious");
  CHECK(has(message([&] { save(plan, file.path); }), {"tensor 'x'"}));
  CHECK(contents(file.path) == "precious");
}

TEST_CASE("plan: a file can be written by hand") {
  const TemporaryFile file("own_plan.json");
  write_file(file.path, R"({"octet_plan": 1, "activations": {"x": {"scale": 0.1, "zero_point": -3.0}},
    "layers": {"a": {"form": "float"}, "b": {"form": "int8", "weights": {"scale": [0.5, 1]}},
               "c": {"form": "dynamic_range", "weights": {"scale": 2, "bits": 4, "codes": [7, -7]}}}})");
  const QuantizationPlan p = load_plan(file.path);
  CHECK(p.rounding == Rounding::fp32);
  CHECK(p.activations.at("x") == ActivationPlan{0.1f, -3});
  CHECK(p.layers.at("a") == LayerPlan{});
  CHECK(p.layers.at("b").weights == QuantParams({0.5f, 1}, {0, 0}, 0));
  CHECK(p.layers.at("c").weights == QuantParams(2, 0));
  CHECK(p.layers.at("c").weight_codes == std::vector<std::int8_t>{7, -7});
}
