#pragma once
#include "../model_file/model_file.hpp"
