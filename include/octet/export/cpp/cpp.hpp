#pragma once
#include <string>
#include <vector>

#include "../../graph/graph.hpp"

OCTET_BEGIN

/// Options of export_cpp.
struct CppOptions {
  std::string name = "model";  ///< of the files and of the namespace: letters, digits and single underscores
  /// Inputs that the model quantizes first, and outputs that it dequantizes last, are codes instead of floats: the
  /// caller converts them by the scale and zero point in the header.
  bool integer_ends = false;
  /// Layers that Arm's CMSIS-NN (6 or later) has call its functions, with the bits of for_cmsis_nn(model). `run` then
  /// returns a bool: false if a function refuses its arguments or needs more memory than was planned.
  bool cmsis_nn = false;
};

/// A model as C++ source.
struct CppSource {
  /// A file by its name, without folder, and its text.
  struct File {
    std::string name;  ///< for example "model.cpp"
    std::string text;  ///< all of it
  };
  std::vector<File> files;         ///< NAME.hpp, NAME.cpp, NAME_kernels.hpp
  std::size_t arena_bytes = 0;     ///< memory for intermediate results, without inputs and outputs (RAM)
  std::size_t constant_bytes = 0;  ///< weights, biases, factors and tables (flash)
  int layers = 0;                  ///< that compute something
  int cmsis_nn_layers = 0;         ///< those of them that call CMSIS-NN
  std::vector<std::string> notes;  ///< what for_cmsis_nn changed
};

/// The model whose bits the source for CMSIS-NN has: with the rounding TFLite's kernels and CMSIS-NN have,
/// Rounding::tflite_double unless the model has that or tflite_single, and with sums as layers of their own where the
/// model has the range of what is added. The model of an integer .tflite file that is loaded with one of these
/// roundings has the same bits.
Model for_cmsis_nn(const Model& model);

/// Writes an int8 model as C++17 source for devices: constant arrays, one static arena, plain loops, and the function
/// `run`, which has the executor's results, bit for bit. Needs no heap, exceptions, RTTI or, without
/// CppOptions::cmsis_nn, library. The batch is one image. Throws FormatError, naming the layer, for what it cannot
/// express.
CppSource write_cpp(const Model& model, const CppOptions& options = {});

/// Writes the files to a folder, which is created if necessary. Each is replaced atomically. If it fails, files and
/// folders that did not exist before are removed.
void save_cpp(const CppSource& source, const std::string& directory);

/// write_cpp and save_cpp: returns what was written.
CppSource export_cpp(const Model& model, const std::string& directory, const CppOptions& options = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "cpp.inl"
#endif
