#include "replay/progress.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace factory::replay {

namespace {

constexpr std::size_t bar_width = 24;
constexpr auto redraw_every = std::chrono::milliseconds(200);

}  // namespace

std::string with_commas(std::uint64_t number) {
  std::string out = std::to_string(number);
  for (std::size_t i = out.size(); i > 3; i -= 3) out.insert(i - 3, 1, ',');
  return out;
}

std::string rate_text(double per_second) {
  if (per_second >= 1e6) return fmt::format("{:.1f} M/s", per_second / 1e6);
  if (per_second >= 1e4) return fmt::format("{:.0f} k/s", per_second / 1e3);
  return fmt::format("{:.0f}/s", per_second);
}

std::string duration_text(double seconds) {
  const auto whole = static_cast<std::uint64_t>(std::max(0.0, seconds) + 0.5);
  if (whole < 60) return fmt::format("{} s", whole);
  if (whole < 3600) return fmt::format("{} min {:02} s", whole / 60, whole % 60);
  return fmt::format("{} h {:02} min", whole / 3600, whole / 60 % 60);
}

std::string progress_line(const std::string& name, std::uint64_t done_bytes, std::uint64_t total_bytes, std::uint64_t readings,
                          double seconds) {
  const std::string rate = rate_text(seconds > 0 ? static_cast<double>(readings) / seconds : 0);
  if (total_bytes == 0) return fmt::format("{}  {} readings  {}", name, with_commas(readings), rate);
  const double share = std::min(1.0, static_cast<double>(done_bytes) / static_cast<double>(total_bytes));
  const auto filled = static_cast<std::size_t>(share * bar_width);
  const std::string bar = std::string(filled, '#') + std::string(bar_width - filled, '.');
  const std::string left = share > 0.001 ? duration_text(seconds * (1 - share) / share) + " left" : "";
  return fmt::format("{}  [{}] {:3.0f} %  {} readings  {}  {}", name, bar, share * 100, with_commas(readings), rate, left);
}

progress::progress() : terminal_(::isatty(STDERR_FILENO) == 1), begin_(clock::now()), next_(begin_) {}

void progress::draw(const std::string& name, std::uint64_t done_bytes, std::uint64_t total_bytes, std::uint64_t readings) {
  const auto now = clock::now();
  if (!terminal_ || now < next_) return;
  next_ = now + redraw_every;
  drawn_ = true;
  const double seconds = std::chrono::duration<double>(now - begin_).count();
  fmt::print(stderr, "\r\x1B[K{}", progress_line(name, done_bytes, total_bytes, readings, seconds));
  std::fflush(stderr);
}

void progress::clear() {
  if (drawn_) fmt::print(stderr, "\r\x1B[K");
  drawn_ = false;
}

}  // namespace factory::replay
