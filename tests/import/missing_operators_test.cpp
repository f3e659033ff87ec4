#include "support/messages.hpp"
#include "support/onnx_builder.hpp"
#include "support/tflite_builder.hpp"

using namespace testing;

TEST_CASE("onnx: all operators that octet lacks are named at once, with their number and the first node of each") {
  OnnxBuilder b;
  b.input("x", {1, 4}).node("Det", {"x"}, {"a"}).node("RoiAlign", {"a"}, {"b"}).node("Relu", {"b"}, {"c"});
  b.node("Det", {"c"}, {"d"}).node("Own", {"d"}, {"e"}, {}, "some.domain").node("RoiAlign", {"e"}, {"f"});
  b.node("RoiAlign", {"f"}, {"g"}).node("Loop", {"x"}, {"unused"}).output("g");
  CHECK(message([&] { import_onnx(b); }) ==
        "'test.onnx' needs 3 operators that octet does not have:\n"
        "  the operator RoiAlign is not supported, and not registered (register_operator): 3 times, first node 'node "
        "of b'\n"
        "  the operator Det is not supported, and not registered (register_operator): 2 times, first node 'node of "
        "a'\n"
        "  the operator some.domain.Own is not supported, and not registered (register_operator): node 'node of e'");
}

TEST_CASE("onnx: many missing operators make a message of limited length") {
  OnnxBuilder b;
  b.input("x", {1});
  std::string last = "x";
  for (int i = 0; i < 300; ++i) {
    const std::string type = "Missing" + std::to_string(i), next = "y" + std::to_string(i);
    b.node(type.c_str(), {last}, {next});
    last = next;
  }
  const std::string error = message([&] { import_onnx(b.output(last)); });
  CHECK(error.find("needs 300 operators") != std::string::npos);
  CHECK(error.find("Missing199 is") != std::string::npos);
  CHECK(error.find("Missing200 is") == std::string::npos);
  CHECK(error.find("and 100 other operators") != std::string::npos);
}

TEST_CASE("tflite: all operators that octet lacks are named at once, with their number and the first one of each") {
  tflite::ModelBuilder b;
  const int x = b.tensor("x", {1, 4}), y = b.tensor("y", {1, 4}), z = b.tensor("z", {1, 4}), w = b.tensor("w", {1, 4}),
            v = b.tensor("v", {1, 4});
  b.op("Own", {x}, {y});
  b.op("BUCKETIZE", {y}, {z});
  b.op("RELU", {z}, {w});
  b.op("BUCKETIZE", {w}, {v});
  const auto file = b.finish({x}, {v});
  CHECK(message([&] { tflite::parse(file); }) ==
        "'test.tflite' needs 2 operators that octet does not have:\n"
        "  the operator BUCKETIZE is not supported, and not registered (register_operator): 2 times, first operator 1, "
        "which "
        "writes 'z'\n"
        "  the operator CUSTOM Own is not supported, and not registered (register_operator): operator 0, which writes "
        "'y'");
}

TEST_CASE("onnx: a long name of a node is shortened in the message") {
  OnnxBuilder b;
  b.input("x", {1}).node("Missing", {"x"}, {std::string(1 << 20, 'y')}).output(std::string(1 << 20, 'y'));
  CHECK(message([&] { import_onnx(b); }).size() < 2000);
}
