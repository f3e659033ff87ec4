#pragma once
#include "arguments.hpp"

OCTET_BEGIN
namespace detail {

/// The epilogue of the part of the output from this row (pixel) and channel on. out_element: bytes of an element.
inline Epilogue epilogue_at(Epilogue e, std::int64_t row, std::int64_t channel, std::int64_t out_element) noexcept {
  if (e.scale) e.scale += channel;
  if (e.wide_scale) e.wide_scale += channel;
  if (e.shift) e.shift += channel;
  if (e.sums) e.sums += channel;
  e.row_scale += row * e.row_step;
  e.row_shift += row * e.row_step;
  e.out += row * e.out_stride + channel * out_element;
  if (e.residual) e.residual += row * e.residual_stride + channel * out_element;
  e.first_row += row;
  e.first_column += channel;
  return e;
}

}  // namespace detail
OCTET_END
