#include <octet/core/nearest.hpp>

#include "testing.hpp"

using namespace octet::detail;

TEST_CASE("nearest: the distance of two texts") {
  CHECK(edit_distance("", "") == 0);
  CHECK(edit_distance("", "abc") == 3);
  CHECK(edit_distance("kitten", "sitting") == 3);
  CHECK(edit_distance("conv1", "conv2") == 1);
}

TEST_CASE("nearest: suggestions") {
  const std::vector<std::string> names{"features.0.conv", "features.1.conv", "Classifier", "pool"};
  CHECK(suggestions("poll", names) == "; the nearest name is 'pool'");
  CHECK(suggestions("features.0.con", names) == "; the nearest names are 'features.0.conv', 'features.1.conv'");
  CHECK(suggestions("classifier", names) == "; the nearest name is 'Classifier'");
  CHECK(suggestions("conv", names) == "; the nearest names are 'features.0.conv', 'features.1.conv'");
  CHECK(suggestions("softmax", names).empty());
  CHECK(suggestions("x", {}).empty());
  const std::vector<std::string> many{"a1", "a2", "a3", "a4"};
  CHECK(suggestions("a0", many) == "; the nearest names are 'a1', 'a2', 'a3'");
}
