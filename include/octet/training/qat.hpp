#pragma once
/// Quantization-aware training: prepare_qat, then a Trainer, then convert.
#include "qat/config.hpp"
#include "qat/convert.hpp"
#include "qat/prepare.hpp"
#include "reestimate_batch_norm.hpp"
