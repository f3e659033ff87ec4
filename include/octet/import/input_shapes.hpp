#pragma once
#include "../graph/graph.hpp"
#include "../model_file/load_options.hpp"

OCTET_BEGIN
namespace detail {

/// The shape of an input, where LoadOptions may give sizes that the file leaves open.
inline Shape input_shape(const LoadOptions& options, const std::string& input, Shape declared) {
  const auto found = options.input_shapes.find(input);
  if (found == options.input_shapes.end()) return declared;
  const Shape& given = found->second;
  Shape shape = declared;
  bool fits = given.rank() == declared.rank();
  for (int d = 0; fits && d < declared.rank(); ++d) {
    fits = declared[d] == Shape::unknown || given[d] == Shape::unknown || given[d] == declared[d];
    if (declared[d] == Shape::unknown) shape[d] = given[d];
  }
  require<FormatError>(fits, "the shape ", given, " was given, but the file says ", declared);
  return shape;
}

/// Throws FormatError if LoadOptions gives the shape of an input that the model does not have.
inline void require_known_inputs(const LoadOptions& options, const Graph& g, const std::string& source) {
  for (const auto& given : options.input_shapes) {
    std::string names;
    bool found = false;
    for (int v : g.inputs) {
      found = found || g.value(v).name == given.first;
      names += (names.empty() ? "'" : ", '") + g.value(v).name + "'";
    }
    require<FormatError>(found, "'", source, "': the shape of input '", given.first, "' was given, but the inputs are ",
                         names);
  }
}

}  // namespace detail
OCTET_END
