#pragma once
#include "mobilenet.hpp"
#include "resnet.hpp"
#include "small_cnn.hpp"
#include "vgg.hpp"

OCTET_BEGIN

/// The names that `builtin` accepts, separated by commas.
const char* builtin_names();

/// A network by name (see builtin_names; a prefix "builtin:" is allowed), with random weights from a fixed seed. Throws
/// Error if the name is unknown.
Model builtin(const std::string& name);

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "builtin.inl"
#endif
