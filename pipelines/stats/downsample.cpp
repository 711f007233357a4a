#include "pipelines/stats/downsample.hpp"

#include <array>
#include <cassert>

namespace factory {
namespace {

constexpr std::array<std::string_view, 8> function_texts = {"avg", "min", "max", "sum", "count", "first", "last", "std_dev"};

}  // namespace

std::optional<bucket_function> parse_bucket_function(std::string_view text) {
  for (std::size_t i = 0; i < function_texts.size(); ++i)
    if (function_texts[i] == text) return static_cast<bucket_function>(i);
  return std::nullopt;
}

std::string_view to_text(bucket_function fn) { return function_texts.at(static_cast<std::size_t>(fn)); }

double value_of(const summary& s, bucket_function fn) {
  switch (fn) {
    case bucket_function::avg: return s.mean();
    case bucket_function::min: return s.min;
    case bucket_function::max: return s.max;
    case bucket_function::sum: return s.total();
    case bucket_function::count: return static_cast<double>(s.count);
    case bucket_function::first: return s.first;
    case bucket_function::last: return s.last;
    case bucket_function::std_dev: return s.std_dev();
  }
  return 0;
}

std::int64_t bucket_start(std::int64_t time_us, std::int64_t step_us) {
  assert(step_us > 0);
  const std::int64_t into = time_us % step_us;
  return time_us - (into < 0 ? into + step_us : into);
}

}  // namespace factory
