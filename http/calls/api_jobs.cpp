#include <algorithm>

#include "http/api/api_call.hpp"
#include "http/edge/accept.hpp"
#include "http/edge/query.hpp"

namespace factory {

namespace {

constexpr std::size_t most_listed = 1'000;  ///< runs or reports an answer

std::string_view to_text(job_run::outcome result) {
  switch (result) {
    case job_run::outcome::running: return "running";
    case job_run::outcome::succeeded: return "succeeded";
    case job_run::outcome::failed: return "failed";
  }
  return "failed";
}

void write_run(json_writer& out, const job_run& run) {
  out.begin_object().member("id", run.id).member("job", run.job).time_member("started_at", run.started_at_us);
  out.member("duration_ms", static_cast<double>(run.duration_us) / 1000).member("result", to_text(run.result));
  out.member("detail", run.detail).end_object();
}

expected<http_response> get_jobs(admin_port& behind, const http_request&, const path_argument&) {
  json_writer out;
  out.begin_array();
  for (const job_info& job : behind.jobs().jobs()) {
    out.begin_object().member("name", job.name).member("every_seconds", static_cast<double>(job.every_us) / 1e6).key("next_at");
    job.next_at_us > 0 ? out.time(job.next_at_us) : out.value(nullptr);
    out.key("last_run");
    job.last ? write_run(out, *job.last) : static_cast<void>(out.value(nullptr));
    out.end_object();
  }
  out.end_array();
  return json_response(out);
}

expected<http_response> get_runs(admin_port& behind, const http_request& request, const path_argument& path) {
  query_reader query(request);
  const std::size_t limit = query.integer("limit", 1, most_listed).value_or(100);
  if (query.fault()) return fail_with(*query.fault());
  const auto jobs = behind.jobs().jobs();
  if (std::ranges::count(jobs, path.text, &job_info::name) == 0) return fail(errc::not_found, "Job not found");
  const auto runs = behind.jobs().runs(std::string(path.text), limit);
  if (!runs) return fail_with(runs.error());
  json_writer out;
  out.begin_array();
  for (const job_run& run : *runs) write_run(out, run);
  out.end_array();
  return json_response(out);
}

expected<http_response> run_job(admin_port& behind, const http_request&, const path_argument& path) {
  const auto run = behind.jobs().run(std::string(path.text));
  if (!run) return fail_with(run.error());
  json_writer out;
  write_run(out, *run);
  return json_response(out);
}

expected<http_response> get_reports(admin_port& behind, const http_request& request, const path_argument&) {
  query_reader query(request);
  auto of = query.id("factory_id");
  const std::size_t limit = query.integer("limit", 1, most_listed).value_or(100);
  if (query.fault()) return fail_with(*query.fault());
  if (request.factory != 0 && of.value_or(request.factory) != request.factory)
    return json_response(json_writer().begin_array().end_array());
  if (request.factory != 0) of = request.factory;
  const auto reports = behind.jobs().reports(of, limit);
  if (!reports) return fail_with(reports.error());
  json_writer out;
  out.begin_array();
  for (const report_info& report : *reports) {
    out.begin_object().member("id", report.id).member("factory_id", report.factory).time_member("from", report.begin_us);
    out.time_member("to", report.end_us).time_member("created_at", report.created_at_us).end_object();
  }
  out.end_array();
  return json_response(out);
}

/// A report of another factory looks as if it did not exist.
expected<void> require_report(admin_port& behind, const http_request& request, std::uint32_t id) {
  if (request.factory == 0) return {};
  const auto mine = behind.jobs().reports(request.factory, SIZE_MAX);
  if (!mine) return tl::unexpected(mine.error());
  if (std::ranges::count(*mine, id, &report_info::id) == 0) return fail(errc::not_found, "Report not found");
  return {};
}

expected<http_response> report_html(admin_port& behind, const http_request& request, const path_argument& path) {
  if (auto there = require_report(behind, request, path.id); !there) return fail_with(there.error());
  auto page = behind.jobs().report_html(path.id);
  if (!page) return fail_with(page.error());
  return http_response{200, "text/html; charset=utf-8", std::move(*page)};
}

expected<http_response> get_report(admin_port& behind, const http_request& request, const path_argument& path) {
  constexpr std::string_view types[] = {"application/json", "text/html"};
  if (preferred(request.accept, types) == 1) return report_html(behind, request, path);
  if (auto there = require_report(behind, request, path.id); !there) return fail_with(there.error());
  auto report = behind.jobs().report_json(path.id);
  if (!report) return fail_with(report.error());
  return http_response{200, "application/json", std::move(*report)};
}

}  // namespace

void add_job_calls(api_table& table) {
  table.push_back({http_method::get, "/api/jobs", "The background jobs: schedule, next and last run", get_jobs, {}, {}, "jobs"});
  table.push_back(
      {http_method::get, "/api/jobs/{name}/runs", "Runs of a job, newest first", get_runs, {"limit"}, {}, "job_runs"});
  table.back().limit_most = most_listed;
  table.push_back(
      {http_method::post, "/api/jobs/{name}/run", "Run a job now; answered when it has ended", run_job, {}, {}, "job_run"});
  table.push_back(
      {http_method::get, "/api/reports", "The daily reports, newest first", get_reports, {"factory_id", "limit"}, {}, "reports"});
  table.back().limit_most = most_listed;
  table.push_back(
      {http_method::get, "/api/reports/{id}", "A daily report; HTML with Accept: text/html", get_report, {}, {}, "report"});
  table.back().other_types = {"text/html"};
  table.push_back({http_method::get, "/api/reports/{id}.html", "A daily report as a page", report_html});
  table.back().other_types = {"text/html"};
  for (auto added = table.end() - 3; added != table.end(); ++added) added->limited = factory_limit::handled;
}

}  // namespace factory
