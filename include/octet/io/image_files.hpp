#pragma once
#include "../data/image_files.hpp"
