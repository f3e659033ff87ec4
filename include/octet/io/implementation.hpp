#pragma once
/// As octet/implementation.hpp, for the headers of octet/io: models, images and data sets. Requires Eigen, protozero,
/// flatbuffers and stb, and linking with zlib.
#if !defined(OCTET_COMPILED)
#  error "octet/io/implementation.hpp is for programs that define OCTET_COMPILED"
#endif
#include "../comparison/compare.inl"
#include "../comparison/diagnosis.inl"
#include "../comparison/evaluation.inl"
#include "../comparison/latency.inl"
#include "../data/cifar.inl"
#include "../data/idx.inl"
#include "../data/image.inl"
#include "../data/image_files.inl"
#include "../data/load_labels.inl"
#include "../data/mnist.inl"
#include "../data/open_dataset.inl"
#include "../data/predictions.inl"
#include "../import/load.inl"
#include "../import/onnx/onnx.inl"
#include "../import/tflite/tflite.inl"
#include "../model_file/model_file.inl"
#include "../models/fit_classifier.inl"
#include "../quantization/calibration_file.inl"
#include "../quantization/plan_file.inl"
#include "try.inl"
