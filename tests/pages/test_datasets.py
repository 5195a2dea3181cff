from tests.pages.conftest import run_page, store_fleet


def test_x(user):
    store_fleet(user, "A")
    t = run_page("datasets", user)
    print(t)
