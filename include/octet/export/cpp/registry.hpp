#pragma once
#include <string_view>
#include <unordered_map>

#include "operators/elementwise.hpp"
#include "operators/movement.hpp"
#include "operators/pooling.hpp"
#include "operators/weighted.hpp"

OCTET_BEGIN
namespace detail::cpp {

using Writer = void (*)(NodeExport&);

/// The function that writes octet's operators of a type; null if C++ source has no form of it.
inline Writer find_writer(std::string_view type) {
  static const std::unordered_map<std::string_view, Writer> table{{"Convolution", export_convolution},
                                                                  {"FullyConnected", export_fully_connected},
                                                                  {"Unary", export_table},
                                                                  {"PRelu", export_prelu},
                                                                  {"CodeFunction", export_table},
                                                                  {"Binary", export_binary},
                                                                  {"Convert", export_convert},
                                                                  {"Softmax", export_softmax},
                                                                  {"MaxPool", export_max_pool},
                                                                  {"AveragePool", export_average_pool},
                                                                  {"Reduce", export_reduce},
                                                                  {"Identity", export_view},
                                                                  {"Dropout", export_view},
                                                                  {"Reshape", export_view},
                                                                  {"Flatten", export_view},
                                                                  {"Squeeze", export_view},
                                                                  {"Unsqueeze", export_view},
                                                                  {"Concat", export_concat},
                                                                  {"Pad", export_pad},
                                                                  {"Resize", export_resize},
                                                                  {"Slice", export_moved},
                                                                  {"Split", export_moved},
                                                                  {"Transpose", export_moved},
                                                                  {"Gather", export_moved},
                                                                  {"Expand", export_moved}};
  const auto it = table.find(type);
  return it == table.end() ? nullptr : it->second;
}

}  // namespace detail::cpp
OCTET_END
