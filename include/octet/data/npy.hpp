#pragma once
#include <map>
#include <string>
#include <string_view>

#include "../core/any_tensor.hpp"

OCTET_BEGIN

/// What the header of a .npy file says about its array.
struct NpyHeader {
  DType dtype = DType::none;   ///< type of the elements
  Shape shape;                 ///< all sizes are known
  bool big_endian = false;     ///< byte order of the elements
  bool fortran_order = false;  ///< whether the first index changes fastest
  std::size_t data_at = 0;     ///< where the elements begin, in bytes from the start of the file
};

/// Parses the header of a .npy file (versions 1 to 3): its first bytes, or all of them. Types: bool, signed and
/// unsigned integers of 8 to 64 bits, float16, float32, float64. Throws FormatError, naming `what`, for others.
NpyHeader parse_npy_header(std::string_view bytes, const std::string& what = "the array");

/// Parses a .npy file. The tensor is row-major and little-endian, whatever the file is. Throws FormatError, naming
/// `what`, if it is damaged or has another type than those of parse_npy_header.
AnyTensor parse_npy(std::string_view bytes, const std::string& what = "the array");

/// Reads a .npy file, see parse_npy.
AnyTensor load_npy(const std::string& path);

/// The bytes of a .npy file with the tensor. Types that NumPy does not have become float32 (bfloat16, 8-bit and 4-bit
/// floats), int8 (int4, int2) or uint8 (uint4, uint2).
std::string npy_bytes(const AnyTensor& tensor);

/// Writes a tensor as a .npy file, see npy_bytes. The file is replaced atomically.
void save_npy(const std::string& path, const AnyTensor& tensor);

/// Parses a .npz file: a zip archive of .npy files, stored or deflated. Returns its arrays by name, without the ending
/// .npy. Throws FormatError, naming `what`, if it is damaged.
std::map<std::string, AnyTensor> parse_npz(std::string_view bytes, const std::string& what = "the archive");

/// Reads a .npz file, see parse_npz.
std::map<std::string, AnyTensor> load_npz(const std::string& path);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "npy.inl"
#  include "npz.inl"
#endif
