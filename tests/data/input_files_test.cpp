#include <octet/comparison/calibrate_inputs.hpp>
#include <octet/data/input_files.hpp>
#include <octet/data/npy.hpp>
#include <octet/operators/all.hpp>

#include "support/files.hpp"
#include "support/messages.hpp"
#include "testing.hpp"

using namespace testing;

namespace {

/// The sum of inputs "a/1:0" and "b" of [batch, 2].
Model sum_model(std::int64_t batch) {
  Model m;
  const int a = m.add_input("a/1:0", {batch, 2}), b = m.add_input("b", {batch, 2});
  m.outputs = {m.add("sum", Binary(BinaryKind::add), {a, b})};
  return m;
}

Tensor<float> filled(const Shape& s, float first) {
  Tensor<float> t(s);
  for (std::int64_t i = 0; i < t.size(); ++i) t[i] = first + static_cast<float>(i);
  return t;
}

void write_npy(const TemporaryFolder& folder, const std::string& name, const AnyTensor& t) {
  folder.write(name, npy_bytes(t));
}

}  // namespace

TEST_CASE("input files: a folder for each input, batches are divided") {
  const TemporaryFolder folder;
  write_npy(folder, "a_1_0/x.npy", filled({2, 2}, 0));
  write_npy(folder, "b/first.npy", filled({2, 2}, 10));
  write_npy(folder, "a_1_0/y.npy", filled({2}, 4));  // without the dimension of the batch
  write_npy(folder, "b/second.npy", filled({1, 2}, 14));
  CHECK(has_input_files(folder / ""));
  const InputSetPtr one = open_input_files(folder / "", sum_model(1));
  REQUIRE(one->size() == 3);
  CHECK(one->inputs(1)[0].view<float>()[0] == 2);
  CHECK(one->inputs(1)[1].view<float>()[0] == 12);
  CHECK(one->inputs(2)[0].shape() == Shape{1, 2});
  CHECK(one->name(1).find("x.npy[1]") != std::string::npos);
  const InputSetPtr open = open_input_files(folder / "", sum_model(-1));
  REQUIRE(open->size() == 2);
  CHECK(open->inputs(0)[0].shape() == Shape{2, 2});
  const Calibration c = calibrate(sum_model(1), *one);
  CHECK(c.range("sum").high == 20);
}

TEST_CASE("input files: what does not fit is named") {
  const TemporaryFolder folder;
  write_npy(folder, "a_1_0/x.npy", filled({1, 2}, 0));
  CHECK_THROWS_WITH_AS(open_input_files(folder / "", sum_model(1)), doctest::Contains("input 'b'"), FormatError);
  write_npy(folder, "b/x.npy", filled({1, 3}, 0));
  CHECK_THROWS_WITH_AS(open_input_files(folder / "", sum_model(1)),
                       doctest::Contains("input 'b' takes float32 [1, 2], found float32 [1, 3]"), ShapeError);
  write_npy(folder, "b/x.npy", Tensor<int32>({1, 2}));
  CHECK_THROWS_WITH_AS(open_input_files(folder / "", sum_model(1)), doctest::Contains("found int32"), ShapeError);
  write_npy(folder, "b/x.npy", filled({1, 2}, 0));
  write_npy(folder, "b/y.npy", filled({1, 2}, 0));
  CHECK_THROWS_WITH_AS(open_input_files(folder / "", sum_model(1)), doctest::Contains("has 2 files"), FormatError);
  write_npy(folder, "a_1_0/y.npy", filled({1, 2}, std::numeric_limits<float>::infinity()));
  const InputSetPtr bad = open_input_files(folder / "", sum_model(1));
  CHECK_THROWS_WITH_AS(calibrate(sum_model(1), *bad), doctest::Contains("y.npy': the input of the model has NaN"),
                       FormatError);
  CHECK_THROWS_AS(part_of(bad, 1, 2), Error);
  CHECK_THROWS_AS(open_input_files(folder / "none", sum_model(1)), FormatError);
}

TEST_CASE("input files: names of files") {
  CHECK(file_name_of("serving_default_x:0") == "serving_default_x_0");
  CHECK(file_name_of("../../etc/passwd") == "_._.._etc_passwd");
  CHECK(file_name_of("") == "_");
  CHECK(file_name_of(std::string(1000, 'x')).size() < 200);
  CHECK(file_names_of({"a/b", "a:b", "A_b"}) == std::vector<std::string>{"a_b", "a_b_2", "A_b_3"});
}
