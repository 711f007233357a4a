#include <algorithm>

#include "pipelines/detect/state_fields.hpp"
#include "pipelines/machine/machine_detector.hpp"

namespace factory {
namespace {

constexpr std::uint8_t machine_version = 3, version_of_raw_scales = 2;  // 1 was never stored

}  // namespace

void machine_detector::encode(std::string& out) const {
  put_byte(out, machine_version);
  put_varint(out, sensors_);
  state::writer write{out};
  fields(*this, write);
}

bool machine_detector::is_sound() const {
  const model& by = model_.read();
  const auto judged = by.judged.size();
  std::size_t kept = 0;
  for (const chunk& each : kept_) kept += each.read().size();
  const bool rows_fit = kept_.empty() || kept == std::size_t{kept_count_} * sensors_;
  return rows_fit && kept_count_ <= learn_rows && stride_ > 0 && level_.size() == sensors_ && smooth_.size() == sensors_ &&
         z_.size() == judged && (!is_fitted() || (by.scale.size() == sensors_ && by.rate.size() == sensors_)) &&
         by.vectors.size() == judged * judged && by.variances.size() == judged && by.components <= judged &&
         std::ranges::all_of(by.judged, [&](std::uint32_t s) { return s < sensors_; });
}

/// Scales, components and limits were those of readings, and one rate that of all levels. They stay in force until the machine is learned anew. Where
/// it was still learning, it begins again: the rows were not smooth.
struct machine_detector::older_version {
  struct old_model {
    std::vector<double> scale;
    std::vector<std::uint32_t> judged;
    std::vector<double> vectors, variances;
    double mean_rate = 0;
    std::uint32_t components = 0;
    bool operator==(const old_model&) const = default;
    template <class Self, class Visit>
    static void fields(Self& self, Visit& visit) {
      visit(self.scale, self.judged, self.vectors, self.variances, self.mean_rate, self.components);
    }
  };
  machine_detector& to;
  shared_value<old_model> model = {};
  std::vector<double> z = {};
  template <class Self, class Visit>
  static void fields(Self& self, Visit& visit) {
    auto& to = self.to;
    visit(to.kept_, self.model, to.level_, self.z, to.t2_, to.q_, to.episodes_, to.newest_score_, to.learned_, to.first_us_,
          to.span_since_us_, to.on_since_us_, to.stride_, to.skipped_, to.kept_count_, to.spans_, to.below_, to.on_rows_,
          to.speaks_, to.on_);
  }
};

bool machine_detector::take_over(older_version& from) {
  if (from.model.is_fresh()) {
    learn_anew();
    return from.z.empty();
  }
  const auto& old = from.model.read();
  if (from.z.size() != old.judged.size() || old.scale.size() != sensors_ || level_.size() != sensors_) return false;
  usual_on_ = newest_score_;
  z_ = from.z;
  for (std::size_t i = 0; i < z_.size(); ++i) {
    const auto s = old.judged[i];
    if (s >= sensors_) return false;
    smooth_[s] = level_[s] + z_[i] * old.scale[s];
  }
  model_.change() = {old.scale,     std::vector<double>(sensors_, old.mean_rate), old.judged, old.vectors, old.variances,
                     old.components};
  return true;
}

bool machine_detector::decode(std::string_view& in) {
  std::uint8_t version = 0;
  std::uint64_t sensors = 0;
  if (!get_byte(in, version) || version < version_of_raw_scales || version > machine_version || !get_varint(in, sensors) ||
      sensors > most_sensors)
    return false;
  machine_detector read(sensors);
  state::reader reader{in};
  if (version == machine_version) {
    fields(read, reader);
  } else {
    older_version old{read};
    older_version::fields(old, reader);
    if (!reader.ok || !read.take_over(old)) return false;
  }
  if (!reader.ok || !read.is_sound()) return false;
  *this = std::move(read);
  return true;
}

}  // namespace factory
