#pragma once
#include "onnx/onnx.hpp"
#if __has_include(<flatbuffers/flatbuffers.h>)
#  include "tflite/tflite.hpp"
#endif
