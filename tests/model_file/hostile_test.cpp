#include <doctest/doctest.h>

#include "support/allocations.hpp"
#include "support/models.hpp"
#include "support/one_layer.hpp"

using namespace octet;
using testing::Random;
using testing::sealed;

namespace {

// Loads a file and, if that succeeds, runs the model. Returns whether it was loaded.
bool use(const std::string& path, const std::string& bytes) {
  testing::write_file(path, bytes);
  testing::largest_allocation();
  Model m;
  const auto load = [&] {
    try {
      m = load_octet(path);
      return true;
    } catch (const FormatError&) {
      return false;
    }
  };
  const bool loaded = load();
  CHECK(testing::largest_allocation() < 20 * bytes.size() + 100000);
  if (!loaded) return false;
  try {
    const std::vector<Shape> shapes = detail::self_test_shapes(m, 6);
    std::int64_t elements = 0;
    for (const Shape& s : m.infer_shapes(shapes)) elements += s.elements();
    if (elements > 100000) return true;
    const std::vector<AnyTensor> inputs = detail::self_test_inputs(m, shapes, 1);
    for (const bool optimize : {false, true}) {
      ExecutorOptions options;
      options.optimize = optimize;
      Executor(m, options).run(inputs);
    }
  } catch (const Error&) {
  }
  return true;
}

std::uint64_t description_bytes(const std::string& file) {
  std::uint64_t n;
  std::memcpy(&n, &file[32], 8);
  return n;
}

}  // namespace

TEST_CASE("hostile model files: truncated descriptions") {
  Random r(90);
  const testing::TemporaryFile file("cut.octet");
  save(testing::small_model(r), file.path);
  const std::string good = testing::contents(file.path);
  for (std::uint64_t n = 0; n < description_bytes(good); ++n) {
    std::string cut = good.substr(0, 64 + n), told = good;
    std::memcpy(&cut[32], &n, 8);
    std::memcpy(&told[32], &n, 8);
    CHECK_FALSE(use(file.path, sealed(cut)));
    CHECK_FALSE(use(file.path, sealed(told)));
  }
}

TEST_CASE("hostile model files: changed bytes with a correct checksum, in every operator") {
  Random r(91);
  const testing::TemporaryFile file("hostile.octet");
  std::vector<Model> models = testing::models_of_one_layer(r);
  models.push_back(testing::small_model(r));
  for (const Model& model : models) {
    CAPTURE(model.nodes[0].op->type());
    save(model, file.path, {false});
    const std::string good = testing::contents(file.path);
    const auto end = static_cast<std::int64_t>(64 + description_bytes(good));
    REQUIRE(use(file.path, good));
    int taken = 0;
    for (std::int64_t i = 64; i < end; ++i) {
      std::string bad = good;
      bad[static_cast<std::size_t>(i)] = static_cast<char>(bad[static_cast<std::size_t>(i)] ^ (i % 2 ? 0x01 : 0x83));
      taken += use(file.path, sealed(bad));
    }
    for (int round = 0; round < 150; ++round) {
      std::string bad = good;
      for (std::int64_t n = r.between(1, 4); n > 0; --n)
        bad[static_cast<std::size_t>(r.between(32, end - 1))] = static_cast<char>(r.chance(30)   ? 0xff
                                                                                  : r.chance(30) ? 0
                                                                                                 : r.between(0, 255));
      taken += use(file.path, sealed(bad));
    }
    CHECK(taken > 0);  // changed names are still valid
  }
}
