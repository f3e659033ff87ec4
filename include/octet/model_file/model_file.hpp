#pragma once
#include "../graph/graph.hpp"
#include "load_options.hpp"
#include "save_options.hpp"

OCTET_BEGIN

/// The size in bytes of the .octet file that save would write.
std::int64_t saved_size(const Model& model);

/// Writes a model to an .octet file, which is replaced atomically. Throws FormatError if it cannot be written.
void save_octet(const Model& model, const std::string& path, const SaveOptions& options = {});

/// Reads an .octet file. Its weights are mapped into memory, not copied, so the file must not be modified in place
/// while the model exists (replacing it, as save does, is fine). With options.self_test, also runs the self-test stored
/// in the file. Throws FormatError if the file is damaged, or if the self-test is missing or fails.
Model load_octet(const std::string& path, const LoadOptions& options = {});

namespace detail {
struct SharedBytes;
/// Reads the bytes of an .octet file, which the model keeps. Errors call it source_name.
Model load_octet_bytes(const SharedBytes& bytes, const std::string& source_name, const LoadOptions& options);
}  // namespace detail

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "model_file.inl"
#endif
