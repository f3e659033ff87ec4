#pragma once
/// As octet/implementation.hpp, for the headers of octet/io: models, images and data sets. Requires Eigen, protozero,
/// flatbuffers and stb, and linking with zlib.
#if !defined(OCTET_COMPILED)
#  error "octet/io/implementation.hpp is for programs that define OCTET_COMPILED"
#endif
#include "../models/fit_classifier.inl"
#include "../quantization/calibration_file.inl"
#include "../quantization/plan_file.inl"
#include "cifar.inl"
#include "idx.inl"
#include "image.inl"
#include "image_files.inl"
#include "load.inl"
#include "mnist.inl"
#include "model_file.inl"
#include "onnx/onnx.inl"
#include "open_dataset.inl"
#include "tflite/tflite.inl"
#include "try.inl"
