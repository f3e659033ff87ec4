#pragma once
#include "../../graph/graph.hpp"
#include "config.hpp"

/// From a float model to one with fake quantization, in the places where quantize<int8> has integers.
///
/// Weights are rounded before batch normalization, channel by channel. With one scale a channel that is the same as
/// rounding them folded: the normalization's factor f of a channel multiplies its weights and their scale alike, so
/// round(W f / (s |f|)) s |f| = round(W / s) s f up to the sign. So folding the rounded weights by the running
/// statistics, as convert does, gives exactly what training saw, and training can normalize by the batch.
OCTET_BEGIN

/// A model with fake quantization, which a Trainer trains like any other and `convert` makes integers of; each tensor
/// is rounded where, and as, quantize<int8>(model, calibration) would. The model may be new, trained, or already
/// integer: then weights and ranges are those it has. Batch normalization behind a layer is kept and trained.
Model prepare_qat(const Model& model, const QatConfig& config = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "prepare.inl"
#endif
