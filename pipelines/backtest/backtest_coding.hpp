#pragma once

#include <string>
#include <string_view>

#include "pipelines/backtest/backtest_result.hpp"

namespace factory {

/// The bytes of a result, with their version: what is stored of a backtest. Bit for bit what it was.
void encode(const backtest_result& result, std::string& out);  ///< appended
/// False for bytes that are damaged or of a newer version.
bool decode(std::string_view in, backtest_result& result);

}  // namespace factory
