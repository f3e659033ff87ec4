#pragma once
#include "../../graph/graph.hpp"
#include "config.hpp"

/// Inserts fake quantization into a float model, wherever quantize<int8> computes in integers.
///
/// Weights are rounded before batch normalization is applied, channel by channel. With one scale per channel, this
/// equals rounding the folded weights: the factor f of the normalization multiplies the weights of a channel and their
/// scale, so round(W f / (s |f|)) s |f| = round(W / s) s f up to the sign. Folding the rounded weights with the running
/// statistics, as convert does, thus gives exactly the weights of training, and training can normalize with batch
/// statistics.
OCTET_BEGIN

/// Returns the model with fake quantization. A Trainer trains it like any other model, and `convert` converts it to
/// integers. Each tensor is rounded where, and as, quantize<int8>(model, calibration) would. The model can be
/// untrained, trained, or quantized to integers; in that case its weights and ranges are the initial ones. Batch
/// normalization after a layer is kept and trained. Throws Error, naming the model and layer, if it cannot be prepared.
Model prepare_qat(const Model& model, const QatConfig& config = {});

OCTET_END

#if !defined(OCTET_COMPILED)
#  include "prepare.inl"
#endif
