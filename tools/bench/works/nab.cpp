#include "bench/works/nab.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <stdexcept>
#include <string_view>
#include <vector>

#include "bench/recordings.hpp"
#include "pipelines/backtest/row_judge.hpp"
#include "pipelines/detect/detector_set.hpp"
#include "pipelines/detect/pattern_tuning.hpp"
#include "simulate/chance.hpp"

namespace factory::bench {
namespace {

using corpus = std::vector<const labelled_series*>;

/// What a search changes. `residual_length` is a whole number and goes by one.
constexpr std::array searched = {&pattern_constants::scale_rate,
                                 &pattern_constants::mean_share,
                                 &pattern_constants::fast_rate,
                                 &pattern_constants::squash,
                                 &pattern_constants::weight_mean,
                                 &pattern_constants::weight_half,
                                 &pattern_constants::weight_quarter,
                                 &pattern_constants::weight_eighth,
                                 &pattern_constants::weight_level,
                                 &pattern_constants::radius_share,
                                 &pattern_constants::usual_rate,
                                 &pattern_constants::least_usual,
                                 &pattern_constants::floor_limit,
                                 &pattern_constants::peak_share,
                                 &pattern_constants::peak_deviation,
                                 &pattern_constants::peak_rate,
                                 &pattern_constants::clip,
                                 &pattern_constants::visit_rate,
                                 &pattern_constants::residual_usual_rate,
                                 &pattern_constants::residual_floor,
                                 &pattern_constants::residual_peak_share,
                                 &pattern_constants::residual_peak_deviation,
                                 &pattern_constants::forecast_rate,
                                 &pattern_constants::forecast_floor,
                                 &pattern_constants::forecast_peak_share,
                                 &pattern_constants::forecast_peak_deviation,
                                 &pattern_constants::more_each,
                                 &pattern_constants::quiet_share,
                                 &pattern_constants::quiet_most,
                                 &pattern_constants::breaks_through};
constexpr std::array boundaries = {0.95, 1.0, 1.05};

/// Where a search begins that is to know nothing of NAB: round figures, all weights and limits alike, a day at most of holding its tongue.
pattern_constants round_constants() {
  pattern_constants out;
  out.scale_rate = 0.005, out.mean_share = 0.5, out.fast_rate = 0.2, out.squash = 20;
  out.weight_mean = out.weight_half = out.weight_quarter = out.weight_eighth = out.weight_level = 1;
  out.radius_share = 1.5, out.usual_rate = 0.01, out.least_usual = 0.1;
  out.floor_limit = out.residual_floor = out.forecast_floor = 3;
  out.peak_share = out.residual_peak_share = out.forecast_peak_share = 1;
  out.peak_deviation = out.residual_peak_deviation = out.forecast_peak_deviation = 1;
  out.peak_rate = 0.01, out.clip = 5;
  out.residual_length = 6, out.visit_rate = 0.2, out.residual_usual_rate = 0.001, out.forecast_rate = 0.05;
  out.more_each = 0.02, out.quiet_share = 0.05, out.quiet_most = 288, out.breaks_through = 5;
  return out;
}

nab_score judge_file(const labelled_series& file, const pattern_constants& with, double boundary) {
  row_judge<detector_set> judge;
  detect_settings settings;
  settings.pattern = &with;
  settings.of(detector::pattern).sensitivity = 1 / boundary;
  std::vector<double> scores(file.value.size(), 0);
  for (std::size_t row = 0; row < scores.size(); ++row)
    scores[row] = judge.score(file.time_us[row], file.value[row], settings).value_or(0);
  return file.windows.score(scores);
}

nab_score judge_all(const corpus& files, const pattern_constants& with) {
  nab_score out;
  for (const auto* file : files) out += judge_file(*file, with, 1);
  return out;
}

/// At each of the boundaries.
using at_boundaries = std::array<nab_score, boundaries.size()>;

class nab_search {
 public:
  nab_search(corpus files, const pattern_constants& begin, std::uint64_t key)
      : files_(std::move(files)), begin_(begin), best_(begin), key_(key) {
    for (const auto* file : files_) kept_.push_back(judge(*file, begin));
  }

  const pattern_constants& run(std::size_t steps) {
    double spread = 0.15;
    for (std::size_t step = 1; step <= steps; ++step) {
      const bool better = try_one(mix(key_, step), spread);
      spread = better ? std::min(0.5, spread * 1.1) : std::max(0.03, spread * 0.995);
    }
    return best_;
  }

 private:
  static at_boundaries judge(const labelled_series& file, const pattern_constants& with) {
    at_boundaries out;
    for (std::size_t i = 0; i < out.size(); ++i) out[i] = judge_file(file, with, boundaries[i]);
    return out;
  }

  /// Of the first `count` files.
  static double worth(const std::vector<at_boundaries>& of, std::size_t count) {
    double sum = 0;
    for (std::size_t i = 0; i < boundaries.size(); ++i) {
      nab_score all;
      for (std::size_t file = 0; file < count; ++file) all += of[file][i];
      sum += (all.standard() + 0.5 * all.low_fp() + 0.25 * all.low_fn()) / 1.75 - 10 * std::max(0.0, all.false_a_week() - 0.35);
    }
    return sum / boundaries.size();
  }

  /// What it costs to be far from the begin: few files tell little of a constant.
  double distance_cost(const pattern_constants& of) const {
    double sum = 0;
    for (const auto which : searched) sum += std::pow(std::log(of.*which / begin_.*which), 2);
    return 0.25 * sum;
  }

  pattern_constants changed(std::uint64_t key, double spread) const {
    auto out = best_;
    const double size = spread * std::exp(0.7 * gaussian(key, 0));
    const auto count = 1 + static_cast<std::size_t>(3 * uniform(key, 2));
    for (std::size_t i = 0; i < count; ++i) {
      const auto which = static_cast<std::size_t>(uniform(key, 10 + i) * (searched.size() + 1));
      if (which < searched.size())
        out.*searched[which] *= std::exp(size * gaussian(key, 20 + i));
      else
        out.residual_length = std::clamp(out.residual_length + (uniform(key, 60) < 0.5 ? -1 : 1), 1U, 24U);
    }
    return out;
  }

  /// Half of the files first: most candidates are worse there already.
  bool try_one(std::uint64_t key, double spread) {
    const auto with = changed(key, spread);
    std::vector<at_boundaries> is;
    while (is.size() < files_.size() / 2) is.push_back(judge(*files_[is.size()], with));
    if (worth(is, is.size()) < worth(kept_, is.size()) - 0.5) return false;
    while (is.size() < files_.size()) is.push_back(judge(*files_[is.size()], with));
    if (worth(is, is.size()) - distance_cost(with) < worth(kept_, is.size()) - distance_cost(best_)) return false;
    best_ = with;
    kept_ = std::move(is);
    return true;
  }

  corpus files_;
  pattern_constants begin_, best_;
  std::uint64_t key_;
  std::vector<at_boundaries> kept_;
};

void print_score(std::string_view name, const nab_score& is) {
  fmt::print("{:<28} {:>9.2f} {:>8.2f} {:>8.2f} {:>5}/{:<4} {:>6} {:>7.3f}\n", name, is.standard(), is.low_fp(), is.low_fn(),
             is.hit, is.windows, is.false_rows, is.false_a_week());
  std::fflush(stdout);
}

/// Files of a fold lie all over the list, and so do those of the first half of the others.
void run_folds(const corpus& files, const nab_options& how) {
  const auto begin = how.from_present ? pattern_tuned : round_constants();
  print_score(how.from_present ? "begin of searches: present" : "begin of searches: round", judge_all(files, begin));
  nab_score all;
  for (std::size_t fold = 0; fold < how.folds; ++fold) {
    corpus others, held;
    for (std::size_t start : {0, 1})
      for (std::size_t i = start; i < files.size(); i += 2) (i % how.folds == fold ? held : others).push_back(files[i]);
    const auto found = nab_search(others, begin, mix(how.seed, fold)).run(how.steps);
    print_score(fmt::format("fold {}: files searched on", fold + 1), judge_all(others, found));
    const auto score = judge_all(held, found);
    print_score(fmt::format("fold {}: files held out", fold + 1), score);
    all += score;
  }
  print_score("held out, all folds", all);
}

}  // namespace

void run_nab(const nab_options& how) {
  const auto all = read_labelled_nab(how.data);
  if (how.folds == 1 || how.folds > all.size()) throw std::runtime_error("--folds must be 2 to the number of files, or 0");
  corpus files;
  for (const auto& each : all) files.push_back(&each);
  fmt::print("{} files, own boundary\n\n{:<28} {:>9} {:>8} {:>8} {:>10} {:>6} {:>7}\n", files.size(), "constants", "standard",
             "low-FP", "low-FN", "hit", "false", "a week");
  print_score("present", judge_all(files, pattern_tuned));
  if (how.folds > 1) run_folds(files, how);
}

}  // namespace factory::bench
