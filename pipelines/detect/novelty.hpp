#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "pipelines/detect/usual_peaks.hpp"
#include "pipelines/model/shared_value.hpp"
#include "pipelines/stats/robust_scale.hpp"

namespace factory {

struct pattern_constants;

/// A memory of courses: which shapes of eight blocks were seen, and how far the newest is from all of them.
///
/// Two groups of readings (one reading each on slow sensors) are a block, and of its least and greatest value the one farther from a fast mean stands for it. The last eight, scaled by a running median and
/// deviation, squashed so that the far end does not count more than it should, and Haar-transformed (mean, halves, quarters, eighths), are a
/// shape; the newest value as it is, in units of the scale of now, is a ninth dimension. `boxes` boxes remember them, axis-parallel and only growing, as
/// in fuzzy ART (Carpenter, Grossberg, Rosen 1991). Novelty is the distance (sum over dimensions) to the nearest box. A shape within a
/// radius that follows the usual novelty widens that box; beyond, it opens one; when all are taken, the two whose union is the smallest become
/// one. The score is the novelty over a limit of its own usual peaks.
class novelty_memory {
 public:
  static constexpr std::size_t boxes = 24, shape_size = 8, dimensions = shape_size + 1;
  static constexpr std::uint32_t warm_after = 64;  ///< blocks

  /// The score, or -1 where nothing is said: in the first half of a block, and before it is warm.
  double observe(double least_of_half, double most_of_half, const pattern_constants& with);
  /// What came before says nothing about the next: the shape fills anew.
  void begin_anew() {
    filled_ = 0;
    half_ = false;
  }

  const robust_scale& scale() const { return scale_; }
  double scale_now(const pattern_constants& with) const;
  bool warm() const { return blocks_ > warm_after; }
  std::size_t memory_bytes() const {
    return sizeof *this + (boxes_.read().lows.capacity() + boxes_.read().highs.capacity()) * sizeof(float);
  }

  bool operator==(const novelty_memory&) const = default;
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    visit(self.scale_, self.peaks_, self.fast_, self.held_least_, self.held_most_, self.anchor_, self.usual_, self.recent_);
    visit_plainly(self.boxes_, visit, [](const box_table& read) { return !read.lows.empty() || !read.highs.empty(); });
    visit(self.blocks_, self.used_, self.filled_, self.half_);
  }
  /// False when what was read back cannot have been stored.
  bool sound() const {
    const auto& [lows, highs] = boxes_.read();
    return used_ <= boxes && filled_ <= shape_size && (lows.empty() ? used_ == 0 : lows.size() == boxes * dimensions) &&
           highs.size() == lows.size();
  }

 private:
  using shape = std::array<float, dimensions>;
  /// Dimension by dimension, so that all boxes are compared at once.
  struct box_table {
    std::vector<float> lows, highs;
    bool holds(std::size_t box, const shape& what) const {
      for (std::size_t d = 0; d < dimensions; ++d)
        if (what[d] < lows[d * boxes + box] || what[d] > highs[d * boxes + box]) return false;
      return true;
    }
    float& low(std::size_t dimension, std::size_t box) { return lows[dimension * boxes + box]; }
    float& high(std::size_t dimension, std::size_t box) { return highs[dimension * boxes + box]; }
    bool operator==(const box_table&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.lows, self.highs);
    }
  };
  shape shape_of(double scale, const pattern_constants& with) const;
  float nearest(const shape& now, float level_weight, std::size_t& which) const;
  void learn(const shape& now, float novelty, std::size_t nearest_box, float level_weight, const pattern_constants& with);
  static void merge_two(box_table& in, float level_weight);

  robust_scale scale_;
  usual_peaks<24> peaks_;
  double fast_ = 0, held_least_ = 0, held_most_ = 0;
  double anchor_ = 0;  ///< levels are kept relative to it
  double usual_ = 0;   ///< slow mean of the novelty
  std::array<double, shape_size> recent_{};
  shared_value<box_table> boxes_;  ///< none before the first shape; most shapes change nothing in it
  std::uint32_t blocks_ = 0;
  std::uint32_t used_ = 0;
  std::uint32_t filled_ = 0;
  bool half_ = false;
};

}  // namespace factory
