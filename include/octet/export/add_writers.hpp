#pragma once
#include "all_writers.hpp"
#include "writers.hpp"

#if !defined(OCTET_COMPILED)
OCTET_BEGIN
namespace detail {

inline const bool writers_are_added = [] {
  writers.onnx = save_onnx;
#  if __has_include(<flatbuffers/flatbuffers.h>)
  writers.tflite = save_tflite;
#  endif
  return true;
}();

}  // namespace detail
OCTET_END
#endif
