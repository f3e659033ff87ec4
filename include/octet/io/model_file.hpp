#pragma once
#include "../export/save.hpp"
#include "../model_file/model_file.hpp"
