#include "http/edge/router.hpp"

#include <gtest/gtest.h>

#include <stdexcept>

#include "http/edge/limits.hpp"

namespace factory {
namespace {

route text_route(http_method method, std::string pattern, std::string name) {
  return {method, std::move(pattern), [name](const http_request&, const path_argument& argument) {
            return http_response{200, "text/plain", name + " " + std::to_string(argument.id) + " " + std::string(argument.text)};
          }};
}

router sample_router() {
  std::vector<route> routes;
  routes.push_back(text_route(http_method::get, "/api/sensors", "list"));
  routes.push_back(text_route(http_method::post, "/api/sensors", "create"));
  routes.back().body_bytes = 1000;
  routes.back().media_types = {"application/json"};
  routes.push_back(text_route(http_method::get, "/api/sensors/{id}", "one"));
  routes.push_back(text_route(http_method::delete_, "/api/sensors/{id}", "remove"));
  routes.push_back(text_route(http_method::get, "/api/sensors/{id}/latest", "latest"));
  routes.push_back(text_route(http_method::get, "/api/reports/{id}", "report"));
  routes.push_back(text_route(http_method::get, "/api/reports/{id}.html", "page"));
  routes.push_back(text_route(http_method::post, "/api/jobs/{name}/run", "run"));
  routes.push_back({http_method::get, "/throws",
                    [](const http_request&, const path_argument&) -> http_response { throw std::runtime_error("broken"); }});
  routes.push_back(
      {http_method::get, "/memory", [](const http_request&, const path_argument&) -> http_response { throw std::bad_alloc(); }});
  return router(std::move(routes));
}

http_response ask(http_method method, std::string path, std::string_view content_type = "") {
  http_request request;
  request.method = method;
  request.path = std::move(path);
  request.content_type = content_type;
  return sample_router()(request);
}

std::string header_of(const http_response& response, std::string_view name) {
  for (const auto& [key, value] : response.headers) {
    if (key == name) return value;
  }
  return "";
}

TEST(router, finds_the_route_of_a_path_and_hands_over_its_argument) {
  EXPECT_EQ(ask(http_method::get, "/api/sensors").body, "list 0 ");
  EXPECT_EQ(ask(http_method::post, "/api/sensors").body, "create 0 ");
  EXPECT_EQ(ask(http_method::get, "/api/sensors/7").body, "one 7 7");
  EXPECT_EQ(ask(http_method::delete_, "/api/sensors/4294967295").body, "remove 4294967295 4294967295");
  EXPECT_EQ(ask(http_method::get, "/api/sensors/12/latest").body, "latest 12 12");
  EXPECT_EQ(ask(http_method::get, "/api/reports/3").body, "report 3 3");
  EXPECT_EQ(ask(http_method::get, "/api/reports/3.html").body, "page 3 3");
  EXPECT_EQ(ask(http_method::post, "/api/jobs/daily_report/run").body, "run 0 daily_report");
}

TEST(router, answers_404_for_paths_and_ids_that_are_none) {
  for (const char* path : {"/",
                           "",
                           "/api",
                           "/api/sensors/",
                           "/api/sensors/0",
                           "/api/sensors/-1",
                           "/api/sensors/+1",
                           "/api/sensors/01",
                           "/api/sensors/1.0",
                           "/api/sensors/4294967296",
                           "/api/sensors/99999999999999999999",
                           "/api/sensors/x",
                           "/api/sensors/1/",
                           "/api/sensors/1/latest/",
                           "/api/sensors/1/2/latest",
                           "/api/sensors//latest",
                           "/API/sensors",
                           "/api/sensorsx",
                           "/api/sensors/1 ",
                           "/api/jobs//run",
                           "/api/jobs/a/b/run"}) {
    const http_response answer = ask(http_method::get, path);
    EXPECT_EQ(answer.status, 404) << path;
    EXPECT_EQ(answer.content_type, "application/problem+json") << path;
  }
}

TEST(router, answers_405_with_the_methods_that_the_path_takes) {
  const http_response answer = ask(http_method::put, "/api/sensors/1");
  EXPECT_EQ(answer.status, 405);
  EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD, DELETE, OPTIONS");
  EXPECT_EQ(header_of(ask(http_method::get, "/api/jobs/x/run"), "Allow"), "POST, OPTIONS");
  EXPECT_EQ(ask(http_method::other, "/api/sensors").status, 405);
}

TEST(router, answers_options_of_the_whole_server) {
  EXPECT_EQ(ask(http_method::options, "*").status, 204U);
  EXPECT_EQ(ask(http_method::get, "*").status, 404U);
}

TEST(router, answers_options_with_204_and_allow_and_no_content) {
  const http_response answer = ask(http_method::options, "/api/sensors");
  EXPECT_EQ(answer.status, 204);
  EXPECT_EQ(header_of(answer, "Allow"), "GET, HEAD, POST, OPTIONS");
  EXPECT_EQ(answer.content_type, "");
  EXPECT_EQ(answer.body, "");
}

TEST(router, answers_head_as_get) { EXPECT_EQ(ask(http_method::head, "/api/sensors/7").body, "one 7 7"); }

TEST(router, takes_the_announced_types_or_none_and_refuses_others_with_415) {
  for (const char* type : {"", "application/json", "Application/JSON; charset=utf-8", "application/json ;a=b"}) {
    EXPECT_EQ(ask(http_method::post, "/api/sensors", type).status, 200) << type;
  }
  for (const char* type : {"text/plain", "application/x-www-form-urlencoded", "application/jsonx", "json"}) {
    const http_response answer = ask(http_method::post, "/api/sensors", type);
    EXPECT_EQ(answer.status, 415) << type;
    EXPECT_EQ(header_of(answer, "Accept"), "application/json") << type;
  }
  EXPECT_EQ(ask(http_method::get, "/api/sensors", "text/plain").status, 200) << "a GET has no body to have a type";
}

TEST(router, turns_an_exception_of_a_handler_into_a_5xx_that_hides_it) {
  const http_response answer = ask(http_method::get, "/throws");
  EXPECT_EQ(answer.status, 500);
  EXPECT_EQ(answer.body.find("broken"), std::string::npos);
  EXPECT_EQ(ask(http_method::get, "/memory").status, 503);
}

TEST(router, tells_the_largest_body_of_each_route) {
  const router routes = sample_router();
  EXPECT_EQ(routes.body_bytes(http_method::post, "/api/sensors"), 1000);
  EXPECT_EQ(routes.body_bytes(http_method::get, "/api/sensors"), 0);
  EXPECT_EQ(routes.body_bytes(http_method::head, "/api/sensors/1"), 0);
  EXPECT_EQ(routes.body_bytes(http_method::post, "/nowhere"), limits::small_body_bytes) << "so that the answer can be 404";
  EXPECT_EQ(routes.body_bytes(http_method::put, "/api/sensors"), limits::small_body_bytes) << "so that the answer can be 405";
}

TEST(router, says_which_route_answered) {
  const router routes = sample_router();
  http_request request;
  request.path = "/api/sensors/1";
  EXPECT_EQ(routes.answer(request).route, 2);
  request.path = "/nowhere";
  EXPECT_EQ(routes.answer(request).route, router::no_route);
}

TEST(router, refuses_two_routes_of_one_method_and_pattern) {
  std::vector<route> twice{text_route(http_method::get, "/a", "1"), text_route(http_method::get, "/a", "2")};
  EXPECT_THROW(router{std::move(twice)}, std::logic_error);
}

}  // namespace
}  // namespace factory
