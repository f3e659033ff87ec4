#include <doctest/doctest.h>

#include <Eigen/Core>
#include <cstdint>
#include <fstream>
#include <octet/core/any_tensor.hpp>
#include <optional>
#include <sstream>

#include "support/allocations.hpp"

using namespace octet;

namespace {
std::int64_t address(const void* p) { return static_cast<std::int64_t>(reinterpret_cast<std::uintptr_t>(p)); }

/// Whether huge pages were requested for p; nullopt if the system does not report it.
std::optional<bool> wants_huge_pages(const void* p) {
  if (!std::ifstream("/sys/kernel/mm/transparent_hugepage/enabled")) return std::nullopt;
  std::ifstream maps("/proc/self/smaps");
  bool inside = false;
  for (std::string line; std::getline(maps, line);) {
    std::istringstream words(line);
    std::int64_t first = 0, last = 0;
    char dash = 0;
    if (words >> std::hex >> first >> dash >> last && dash == '-')  // a mapping; its properties follow
      inside = address(p) >= first && address(p) < last;
    else if (inside && line.compare(0, 8, "VmFlags:") == 0)
      return line.find(" hg") != std::string::npos;
  }
  return std::nullopt;
}
}  // namespace

TEST_CASE("tensor: zeroed, aligned, row-major") {
  Tensor<float> t({2, 3, 4});
  CHECK(t.size() == 24);
  CHECK(t.size_bytes() == 96);
  CHECK(address(t.data()) % 64 == 0);
  for (float x : t) CHECK(x == 0);
  t(1, 2, 3) = 5;
  CHECK(t[23] == 5);
  t(1, 0, 2) = 7;
  CHECK(t.data()[14] == 7);
  CHECK(Tensor<float>().size() == 0);
  CHECK(Tensor<float>().shape() == Shape{0});
  CHECK(Tensor<int8>({3, 0}).begin() == Tensor<int8>({3, 0}).end());
  CHECK(Tensor<double>(Shape{}).size() == 1);
}

TEST_CASE("aligned bytes: large blocks use huge pages") {
  using octet::detail::AlignedBytes;
  constexpr auto huge = static_cast<std::int64_t>(AlignedBytes::huge_page);
  CHECK(AlignedBytes().size() == 0);
  CHECK(AlignedBytes(0).data() == nullptr);
  for (const std::int64_t n : {std::int64_t{1}, std::int64_t{63}, std::int64_t{4097}, 2 * huge - 1})
    CHECK(address(AlignedBytes(static_cast<std::size_t>(n)).data()) % 64 == 0);
  for (const std::int64_t n : {2 * huge, 2 * huge + 5, 7 * huge}) {
    AlignedBytes bytes(static_cast<std::size_t>(n));
    std::memset(bytes.data(), 0x5A, bytes.size());
    CHECK(address(bytes.data()) % huge == 0);
    const AlignedBytes copy(bytes);
    CHECK(copy.data() != bytes.data());
    CHECK(address(copy.data()) % huge == 0);
    CHECK(std::memcmp(copy.data(), bytes.data(), bytes.size()) == 0);
    for (const AlignedBytes* b : {&copy, static_cast<const AlignedBytes*>(&bytes)})
      for (const std::int64_t at : {std::int64_t{0}, huge, n - 1})
        if (const auto asked = wants_huge_pages(b->data() + at)) CHECK(*asked);
    const std::byte* place = bytes.data();
    AlignedBytes moved(std::move(bytes));
    CHECK(moved.data() == place);
    CHECK(bytes.size() == 0);  // NOLINT: moved from
    moved = AlignedBytes(10);
    CHECK(moved.size() == 10);
    CHECK(address(moved.data()) % 64 == 0);
  }
}

TEST_CASE("tensor: copies are deep, moves keep the memory") {
  Tensor<int32> a({3}, {1, 2, 3});
  Tensor<int32> b = a;
  b[0] = 9;
  CHECK(a[0] == 1);
  const int32* memory = a.data();
  const Tensor<int32> c = std::move(a);
  CHECK(c.data() == memory);
  b = c;
  CHECK(b[0] == 1);
  CHECK(b.data() != c.data());
  const std::int64_t before = testing::allocations();
  const Tensor<int32> d = std::move(b).reshaped({3, 1});
  CHECK(testing::allocations() == before);
  CHECK(d.shape() == Shape{3, 1});
  CHECK_THROWS_WITH_AS(Tensor<int32>({4}).reshaped({3}), "a tensor of shape [4] cannot be reshaped to [3]", ShapeError);
}

TEST_CASE("tensor: impossible sizes are refused before allocating") {
  CHECK_THROWS_AS(Tensor<float>({-1}), ShapeError);
  CHECK_THROWS_AS(Tensor<float>({std::int64_t{1} << 40, 1 << 20}), ShapeError);
  CHECK_THROWS_AS(Tensor<float>({2}, {1, 2, 3}), ShapeError);
}

TEST_CASE("tensor: int4 is packed") {
  Tensor<int4> t({5});
  CHECK(t.size() == 5);
  CHECK(t.size_bytes() == 3);
  CHECK(t.end() - t.begin() == 3);
}

TEST_CASE("view: from pointers, vectors and tensors") {
  std::vector<float> v{1, 2, 3, 4, 5, 6};
  View<float> all = v;
  CHECK(all.shape() == Shape{6});
  View<const float> matrix(v, {2, 3});
  CHECK(matrix(1, 2) == 6);
  CHECK(matrix.data() == v.data());
  CHECK_THROWS_WITH_AS(View<float>(v, {2, 2}), "a vector of 6 elements cannot be viewed as [2, 2]", ShapeError);
  const std::vector<float>& constant = v;
  CHECK(View<const float>(constant).size() == 6);
  all[0] = 9;
  CHECK(v[0] == 9);

  Tensor<float> t({2, 3}, v);
  View<float> of_tensor = t;
  of_tensor(0, 1) = -1;
  CHECK(t(0, 1) == -1);
  const Tensor<float>& ct = t;
  View<const float> reading = ct;
  View<const float> from_writing = of_tensor;
  CHECK(reading.data() == from_writing.data());
  const Tensor copy(reading);
  static_assert(std::is_same_v<decltype(copy), const Tensor<float>>);
  CHECK(copy.shape() == Shape{2, 3});
  CHECK(std::equal(copy.begin(), copy.end(), t.begin()));
  float sum = 0;
  for (float x : View<float>(v.data() + 1, {3})) sum += x;
  CHECK(sum == 9);
}

TEST_CASE("view: of contiguous Eigen matrices, vectors and maps") {
  Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor> m(2, 3);
  m << 1, 2, 3, 4, 5, 6;
  View<float> v = m;
  CHECK(v.shape() == Shape{2, 3});
  CHECK(v.data() == m.data());
  CHECK(v(1, 0) == 4);
  Eigen::VectorXf column = Eigen::VectorXf::LinSpaced(5, 0, 4);
  CHECK(View<float>(column).shape() == Shape{5});
  const Eigen::RowVectorXf row = column.transpose();
  CHECK(View<const float>(row)[4] == 4);
  std::vector<std::int8_t> bytes(6);
  Eigen::Map<Eigen::Matrix<std::int8_t, 3, 2, Eigen::RowMajor>> map(bytes.data());
  CHECK(View<std::int8_t>(map).shape() == Shape{3, 2});
  using Strided =
      Eigen::Map<Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>, 0, Eigen::OuterStride<>>;
  Strided whole(m.data(), 2, 3, Eigen::OuterStride<>(3)), part(m.data(), 2, 2, Eigen::OuterStride<>(3));
  CHECK(View<float>(whole).size() == 6);
  CHECK_THROWS_AS(View<float>{part}, ShapeError);
  Eigen::Map<Eigen::VectorXf, 0, Eigen::InnerStride<2>> every_second(m.data(), 3);
  CHECK_THROWS_AS(View<float>{every_second}, ShapeError);
}

TEST_CASE("tensor: copies dense Eigen objects, and Eigen can map it") {
  Eigen::MatrixXf m(2, 3);  // column-major
  m << 1, 2, 3, 4, 5, 6;
  const Tensor t(m);
  static_assert(std::is_same_v<decltype(t), const Tensor<float>>);
  CHECK(t.shape() == Shape{2, 3});
  for (int i = 0; i < 6; ++i) CHECK(t[i] == static_cast<float>(i + 1));
  const Tensor<float> block(Eigen::MatrixXf(m.block(0, 1, 2, 2)));
  CHECK(block(1, 1) == 6);
  Eigen::Map<Eigen::VectorXf, 0, Eigen::InnerStride<2>> every_second(m.data(), 3);
  CHECK(Tensor<float>(every_second)[2] == 3);
  const Eigen::Map<const Eigen::Matrix<float, 2, 3, Eigen::RowMajor>> back(t.data());
  CHECK(back == m);
}

TEST_CASE("any tensor: shares, checks the type, keeps the owner alive") {
  AnyTensor a(Tensor<float>({2, 2}, {1, 2, 3, 4}));
  CHECK(a.dtype() == DType::f32);
  CHECK(a.size() == 4);
  CHECK(a.size_bytes() == 16);
  const AnyTensor b = a;
  CHECK(b.data() == a.data());
  CHECK(b.reshaped({4}).data() == a.data());
  CHECK(b.view<float>()(1, 0) == 3);
  CHECK_THROWS_WITH_AS(b.view<std::int32_t>(), "a tensor of float32 cannot be read as int32", ShapeError);
  CHECK_THROWS_AS(b.reshaped({5}), ShapeError);
  CHECK_FALSE(AnyTensor());
  CHECK(AnyTensor().size_bytes() == 0);
  const AnyTensor nibbles = AnyTensor::make(DType::i4, {3}, [](std::byte* p) { p[1] = std::byte{7}; });
  CHECK(nibbles.size_bytes() == 2);
  CHECK(nibbles.data()[0] == std::byte{0});

  auto owner = std::make_shared<std::vector<std::byte>>(8, std::byte{1});
  const std::weak_ptr<std::vector<std::byte>> watch = owner;
  AnyTensor c(DType::u8, {8}, std::shared_ptr<const std::byte>(owner, owner->data()));
  owner.reset();
  CHECK_FALSE(watch.expired());
  CHECK(c.view<std::uint8_t>()[7] == 1);
  c = {};
  CHECK(watch.expired());
}
