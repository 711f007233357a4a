#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>

#include "http/web/embedded.hpp"
#include "pipelines/alarm/alarm_performance.hpp"
#include "pipelines/model/finding.hpp"

namespace factory {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

TEST(web_page, is_one_file_that_asks_nobody_but_this_server) {
  std::string page(index_page);
  constexpr std::string_view name_of_svg = "http://www.w3.org/2000/svg";  // a name, nothing is read from there
  for (auto at = page.find(name_of_svg); at != std::string::npos; at = page.find(name_of_svg)) page.erase(at, name_of_svg.size());
  for (const char* elsewhere : {"http://", "https://", "src=", "@import", "url(", "import("})
    EXPECT_THAT(page, Not(HasSubstr(elsewhere)));
  EXPECT_THAT(page, Not(HasSubstr("@PAGE_"))) << "style and scripts are put in by the build";
  EXPECT_EQ(page.find("</script>"), page.rfind("</script>"));
}

TEST(web_page, has_words_for_each_state_of_an_alert_and_each_verdict) {
  for (const alert_state state : alert_states())
    EXPECT_THAT(std::string(index_page), HasSubstr(std::string(to_text(state)) + ": ["));
  for (const alarm_verdict verdict : {alarm_verdict::good, alarm_verdict::manageable, alarm_verdict::bad})
    EXPECT_THAT(std::string(index_page), HasSubstr(std::string(to_text(verdict)) + ": ["));
}

}  // namespace
}  // namespace factory
