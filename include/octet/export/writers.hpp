#pragma once
#include "../graph/graph.hpp"
#include "../model_file/save_options.hpp"
#if defined(OCTET_COMPILED)
#  include "all_writers.hpp"
#endif

/// The writers that octet::save uses for other formats than .octet. In header-only use, a program that does not include
/// octet/io/save.hpp does not compile them.
OCTET_BEGIN
namespace detail {

using Writer = void (*)(const Model& model, const std::string& path, const SaveOptions& options);
struct Writers {
  Writer onnx = nullptr, tflite = nullptr;
};

#if !defined(OCTET_COMPILED)
inline Writers writers;  // octet/io/save.hpp sets them
inline constexpr const char* missing_writer =
    "the program is compiled without the writer of this format: one of its files has to include <octet/io/save.hpp>; "
    ".tflite also requires the library flatbuffers";
#else
#  if __has_include(<flatbuffers/flatbuffers.h>)
inline constexpr Writers writers{save_onnx, save_tflite};
#  else
inline constexpr Writers writers{save_onnx, nullptr};
#  endif
inline constexpr const char* missing_writer = "writing TFLite requires the library flatbuffers at compile time";
#endif

}  // namespace detail
OCTET_END
