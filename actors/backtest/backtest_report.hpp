#pragma once

#include "actors/backtest/backtest.hpp"
#include "actors/backtest/finding_book.hpp"
#include "pipelines/backtest/backtest_result.hpp"

namespace factory {

/// What was found: by what is in force and by drafts of rules, and in the second population (null where there is none) by drafts of
/// detection and of pipelines.
struct backtest_findings {
  const finding_book& in_force;
  const finding_book* drafted = nullptr;
  bool tries_detection = false;
};

/// Fills lines and differences. The range of `out` is known.
void report(const backtest_spec& spec, const backtest_findings& from, backtest_result& out);

}  // namespace factory
