#include "bench/report.hpp"

#include <algorithm>
#include <optional>
#include <thread>

#include <fmt/format.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

namespace factory::bench {

namespace {

struct spread {
  std::string work, server, unit;
  bool less_is_better = false;
  std::vector<double> sorted;
  double median() const {
    return sorted.size() % 2 ? sorted[sorted.size() / 2] : (sorted[sorted.size() / 2 - 1] + sorted[sorted.size() / 2]) / 2;
  }
};

std::vector<spread> spreads_of(const std::vector<figures>& runs) {
  std::vector<spread> out;
  for (const figures& f : runs) {
    auto at = std::find_if(out.begin(), out.end(), [&](const spread& s) { return s.work == f.work && s.server == f.server; });
    if (at == out.end()) at = out.insert(out.end(), {f.work, f.server, f.unit, f.less_is_better, {}});
    at->sorted.insert(std::upper_bound(at->sorted.begin(), at->sorted.end(), f.result), f.result);
  }
  return out;
}

/// Ours to the peer's of the same work; nullopt for the peer itself and without one.
std::optional<double> ratio_to_peer(const spread& ours, const std::vector<spread>& all) {
  if (ours.server != "factoryd") return std::nullopt;
  for (const spread& peer : all)
    if (peer.work == ours.work && peer.server != ours.server)
      return ours.less_is_better ? peer.median() / ours.median() : ours.median() / peer.median();
  return std::nullopt;
}

std::string amount(double value) { return value < 100 ? fmt::format("{:.3f}", value) : fmt::format("{:.0f}", value); }

template <class T>
std::string or_dash(const std::optional<T>& value, auto&& format) {
  return value ? format(static_cast<double>(*value)) : std::string("-");
}

std::string milliseconds(double us) { return fmt::format("{:.2f}", us / 1e3); }
std::string mebibytes(double bytes) { return fmt::format("{:.1f}", bytes / (1 << 20)); }

constexpr std::string_view columns = "{:<19}{:<10}{:>12} {:<11}{:>9}{:>9}{:>10}{:>9}{:>9}{:>9}{:>9}{:>9}{:>9}{:>8}\n";

class json {
 public:
  explicit json(rapidjson::StringBuffer& out) : writer_(out) { writer_.SetMaxDecimalPlaces(6); }
  rapidjson::Writer<rapidjson::StringBuffer>& operator*() { return writer_; }
  void text(const char* key, const std::string& value) { writer_.Key(key), writer_.String(value.c_str()); }
  void real(const char* key, double value) { writer_.Key(key), writer_.Double(value); }
  void whole(const char* key, std::uint64_t value) { writer_.Key(key), writer_.Uint64(value); }
  void maybe(const char* key, const std::optional<std::uint64_t>& value) {
    writer_.Key(key), value ? writer_.Uint64(*value) : writer_.Null();
  }
  void maybe(const char* key, const std::optional<double>& value) {
    writer_.Key(key), value ? writer_.Double(*value) : writer_.Null();
  }

 private:
  rapidjson::Writer<rapidjson::StringBuffer> writer_;
};

void write_stretches(json& out, const std::vector<stretch>& stretches) {
  (*out).Key("stretches");
  (*out).StartArray();
  for (const stretch& each : stretches) {
    (*out).StartObject();
    out.real("until_seconds", each.until_seconds);
    out.whole("rss_bytes", each.rss_bytes);
    out.whole("open_files", each.open_files);
    for (const auto& one : each.parts) {
      (*out).Key(one.name.c_str());
      (*out).StartObject();
      out.whole("requests", one.requests);
      out.whole("refused", one.refused);
      out.real("p99_us", one.p99_us);
      (*out).EndObject();
    }
    (*out).EndObject();
  }
  (*out).EndArray();
}

void write_run(json& out, const figures& f) {
  (*out).StartObject();
  out.text("work", f.work);
  out.text("server", f.server);
  out.text("unit", f.unit);
  out.real("result", f.result);
  out.whole("requests", f.requests);
  out.whole("readings", f.readings);
  out.whole("refused", f.refused);
  out.real("seconds", f.seconds);
  out.real("settle_seconds", f.settle_seconds);
  out.real("p50_us", f.p50_us);
  out.real("p99_us", f.p99_us);
  out.real("max_us", f.max_us);
  out.real("client_cpu_seconds", f.client_cpu_seconds);
  out.maybe("server_cpu_seconds", f.used.cpu_seconds);
  out.maybe("rss_bytes", f.used.rss_bytes);
  out.maybe("rss_peak_bytes", f.used.rss_peak_bytes);
  out.maybe("fsyncs", f.used.fsyncs);
  out.maybe("disk_bytes", f.used.disk_bytes);
  out.maybe("bytes_per_sensor", f.bytes_per_sensor);
  if (!f.failure.empty()) out.text("failure", f.failure);
  if (!f.note.empty()) out.text("note", f.note);
  if (!f.stretches.empty()) write_stretches(out, f.stretches);
  (*out).EndObject();
}

}  // namespace

std::string table_head() {
  return fmt::format(columns, "work", "server", "result", "", "p50 ms", "p99 ms", "max ms", "settle s", "CPU s", "own CPU",
                     "peak MiB", "fsyncs", "disk MiB", "refused");
}

std::string table_line(const figures& f) {
  std::string out = fmt::format(columns, f.work, f.server, amount(f.result), f.unit, milliseconds(f.p50_us),
                                milliseconds(f.p99_us), milliseconds(f.max_us), amount(f.settle_seconds),
                                or_dash(f.used.cpu_seconds, [](double s) { return fmt::format("{:.2f}", s); }),
                                fmt::format("{:.2f}", f.client_cpu_seconds), or_dash(f.used.rss_peak_bytes, mebibytes),
                                or_dash(f.used.fsyncs, [](double n) { return fmt::format("{:.0f}", n); }),
                                or_dash(f.used.disk_bytes, mebibytes), f.refused);
  if (!f.note.empty()) out += fmt::format("{:<19}{}\n", "", f.note);
  if (f.bytes_per_sensor) out += fmt::format("{:<19}{:.0f} bytes of memory per idle sensor\n", "", *f.bytes_per_sensor);
  return out;
}

std::string summary_table(const std::vector<figures>& runs) {
  const auto spreads = spreads_of(runs);
  std::string out =
      fmt::format("{:<19}{:<10}{:>12} {:<11}{:>26}{:>8}{:>8}\n", "work", "server", "median", "", "min - max", "rounds", "ratio");
  for (const spread& s : spreads)
    out += fmt::format("{:<19}{:<10}{:>12} {:<11}{:>26}{:>8}{:>8}\n", s.work, s.server, amount(s.median()), s.unit,
                       amount(s.sorted.front()) + " - " + amount(s.sorted.back()), s.sorted.size(),
                       or_dash(ratio_to_peer(s, spreads), [](double r) { return fmt::format("{:.2f}", r); }));
  return out;
}

std::string json_report(const std::vector<figures>& runs) {
  rapidjson::StringBuffer buffer;
  json out(buffer);
  (*out).StartObject();
  out.whole("cores", std::thread::hardware_concurrency());
  (*out).Key("runs");
  (*out).StartArray();
  for (const figures& f : runs) write_run(out, f);
  (*out).EndArray();
  (*out).Key("summary");
  (*out).StartArray();
  const auto spreads = spreads_of(runs);
  for (const spread& s : spreads) {
    (*out).StartObject();
    out.text("work", s.work);
    out.text("server", s.server);
    out.text("unit", s.unit);
    out.real("median", s.median());
    out.real("min", s.sorted.front());
    out.real("max", s.sorted.back());
    out.maybe("ratio_to_peer", ratio_to_peer(s, spreads));
    (*out).EndObject();
  }
  (*out).EndArray();
  (*out).EndObject();
  return buffer.GetString();
}

}  // namespace factory::bench
