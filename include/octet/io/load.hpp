#pragma once
#include "../export/save.hpp"
#include "../import/load.hpp"
