#include <octet/models/builtin.hpp>
#include <octet/models/classifier.hpp>
#include <octet/models/mersenne_twister.hpp>
#include <octet/operators/all.hpp>
#include <random>

#include "testing.hpp"

using namespace testing;

TEST_CASE("models: a new classifier for a pretrained backbone") {
  const Model pretrained = small_cnn();
  const Model m = with_new_classifier(pretrained, 3);
  const Tensor<float> x = random_tensor({2, 28, 28, 1}, 1);
  CHECK(floats(run_plain(m, {x})[0]).shape() == Shape{2, 3});
  const Model a = octet::detail::backbone_of(pretrained), b = octet::detail::backbone_of(m);
  CHECK(largest_difference(floats(run_plain(a, {x})[0]), floats(run_plain(b, {x})[0])) == 0);
  CHECK_THROWS_AS(with_new_classifier(pretrained, 0), Error);
  CHECK_THROWS_AS(with_new_classifier(a, 3), Error);  // does not end in a classifier
}

TEST_CASE("models: random weights are from the numbers of std::mt19937_64") {
  for (const std::uint64_t seed : {std::uint64_t{0}, std::uint64_t{5489}, ~std::uint64_t{0}}) {
    std::mt19937_64 expected(seed);
    octet::detail::MersenneTwister random(seed);
    for (int i = 0; i < 1000; ++i) REQUIRE(random() == expected());
  }
}

TEST_CASE("models: networks for small images") {
  MobileNetOptions o;
  o.image_size = 28;
  o.channels = 1;
  o.classes = 10;
  o.first_stride = 1;
  o.width = 0.25;
  const Model mobilenet = mobilenet_v1(o);
  const std::vector<Shape> shapes = mobilenet.infer_shapes({{1, 28, 28, 1}});
  CHECK(shapes[static_cast<std::size_t>(mobilenet.nodes[0].outputs[0])] == Shape{1, 28, 28, 8});
  VggOptions v;
  v.depth = 11;
  v.image_size = 28;
  v.channels = 1;
  v.classes = 10;
  v.hidden = 0;
  const Model small = vgg(v);  // four pooling layers: 14, 7, 3, 1
  CHECK(count<MaxPool>(small) == 4);
  CHECK(small.infer_shapes({{2, 28, 28, 1}})[static_cast<std::size_t>(small.outputs[0])] == Shape{2, 10});
}
