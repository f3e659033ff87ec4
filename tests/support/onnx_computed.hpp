#pragma once
#include "onnx_builder.hpp"

/// Models that compute the parameters of their layers in each run.
namespace testing {

/// An image x [1, 1, ?, ?], its sizes s (4), and vectors to compute with.
inline OnnxBuilder image_with_sizes() {
  OnnxBuilder b(19);
  b.input("x", {1, 1, -1, -1}).node("Shape", {"x"}, {"s"}).integers("one", {1}).integers("two", {2});
  b.integers("rows", {0, 0, 1, 0}).integers("columns", {0, 0, 0, 1}).integers("ones", {1, 1, 1, 1});
  b.integers("twice", {1, 1, 2, 2}).integers("last", {3}).integers("none", {0}).integers("end", {9});
  return b;
}

/// Adds the operator after `x`, for images: its results are y and, of TopK, places. `value`: to pad with.
inline void add_computed(OnnxBuilder& b, const std::string& type, const std::string& x, const char* value) {
  if (type == "Tile") {
    b.node("Sub", {"s", "ones"}, {"less"}).node("Max", {"less", "ones"}, {"repeats"});
    b.node("Tile", {x, "repeats"}, {"y"});
  } else if (type == "reflect" || type == "edge" || type == "wrap" || type == "constant") {
    b.node("Sub", {"s", "ones"}, {"less"}).node("Mul", {"less", "rows"}, {"before"});
    b.node("Mul", {"less", "columns"}, {"after"}).node("Concat", {"before", "after"}, {"pads"}, {{"axis", 0}});
    b.node("Pad", {x, "pads", type == "constant" ? value : ""}, {"y"}, {{"mode", type.c_str()}});
  } else if (type == "TopK") {
    b.node("Gather", {"s", "last"}, {"width"}).node("Sub", {"width", "one"}, {"k"});
    b.node("TopK", {x, "k"}, {"y", "places"}, {{"largest", 0}});
  } else if (type == "linear" || type == "nearest") {
    b.node("Mul", {"s", "twice"}, {"sizes"});
    b.node("Resize", {x, "", "", "sizes"}, {"y"}, {{"mode", type.c_str()}});
  } else if (type == "scales") {
    b.node("Mul", {"s", "twice"}, {"sizes"}).node("Cast", {"sizes"}, {"to"}, {{"to", 1}});
    b.node("Cast", {"s"}, {"from"}, {{"to", 1}}).node("Div", {"to", "from"}, {"scales"});
    b.node("Resize", {x, "", "scales"}, {"y"}, {{"mode", "cubic"}});
  } else if (type == "Reshape") {
    b.integers("order", {3, 1, 2, 0}).node("Gather", {"s", "order"}, {"target"}).node("Reshape", {x, "target"}, {"y"});
  } else if (type == "Expand") {
    b.integers("first", {0, 0, 1, 1}).node("Sub", {"s", "first"}, {"less"}).integers("front", {2});
    b.node("Concat", {"front", "s"}, {"shape"}, {{"axis", 0}}).node("Expand", {x, "shape"}, {"y"});
  } else if (type == "Slice") {
    b.node("Gather", {"s", "last"}, {"width"}).node("Sub", {"width", "one"}, {"start"});
    b.integers("step", {-2}).integers("before", {-9}).node("Slice", {x, "start", "before", "last", "step"}, {"y"});
  }
}

constexpr const char* computed_types[] = {"Tile",   "reflect", "edge",   "wrap",    "constant", "TopK",
                                          "linear", "nearest", "scales", "Reshape", "Expand",   "Slice"};

/// Models with results whose sizes depend on the data, by name.
inline std::vector<std::pair<std::string, OnnxBuilder>> data_sized_networks() {
  std::vector<std::pair<std::string, OnnxBuilder>> all;
  const auto add = [&](const char* name) -> OnnxBuilder& {
    all.emplace_back(name, OnnxBuilder(18));
    return all.back().second;
  };
  add("boxes")
      .input("boxes", {1, -1, 4})
      .input("scores", {1, 2, -1})
      .integers("most", {3})
      .scalar("overlap", 0.5f)
      .node("NonMaxSuppression", {"boxes", "scores", "most", "overlap"}, {"selected"})
      .integers("two", {2})
      .integers("three", {3})
      .node("Slice", {"selected", "two", "three", "one"}, {"column"})
      .integers("one", {1})
      .integers("all", {-1})
      .node("Reshape", {"column", "all"}, {"places"})
      .node("Gather", {"boxes", "places"}, {"y"}, {{"axis", 1}})
      .output("y");
  add("places")
      .input("x", {-1, 4})
      .node("NonZero", {"x"}, {"columns"})
      .node("Transpose", {"columns"}, {"rows"})
      .node("GatherND", {"x", "rows"}, {"y"})
      .output("y");
  add("chosen")
      .input("x", {-1, 4})
      .node("ReduceSum", {"x", "one"}, {"sums"}, {{"keepdims", 0}})
      .integers("one", {1})
      .scalar("zero", 0)
      .node("Greater", {"sums", "zero"}, {"kept"})
      .node("Compress", {"x", "kept"}, {"y"}, {{"axis", 0}})
      .output("y");
  add("numbered")
      .input("x", {2, -1})
      .node("Shape", {"x"}, {"s"})
      .initializer("last", octet::Tensor<std::int64_t>(octet::Shape{}, {1}))
      .initializer("from", octet::Tensor<std::int64_t>(octet::Shape{}, {0}))
      .node("Gather", {"s", "last"}, {"width"})
      .node("Range", {"from", "width", "last"}, {"columns"})
      .node("Cast", {"columns"}, {"numbers"}, {{"to", 1}})
      .node("Add", {"x", "numbers"}, {"y"})
      .output("y");
  return all;
}

}  // namespace testing
