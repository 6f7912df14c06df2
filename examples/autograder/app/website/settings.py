# Copyright: (c) 2026, Flotilla contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Settings from the environment. A secret NAME is read from the file that NAME_FILE names."""

from __future__ import annotations

import os
from pathlib import Path


def secret(name: str) -> str:
    path = os.environ.get(f"{name}_FILE")
    return Path(path).read_text().strip() if path else os.environ.get(name, "")


SECRET_KEY = secret("DJANGO_SECRET_KEY")
ALLOWED_HOSTS = ["127.0.0.1", *os.environ.get("SITE_DOMAIN", "localhost").split(",")]
# Users can be made by a job: manage.py createsuperuser.
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth", "website"]
ROOT_URLCONF = "website.urls"
WSGI_APPLICATION = "website.wsgi.application"
MIDDLEWARE = ["django.middleware.security.SecurityMiddleware", "django.middleware.common.CommonMiddleware"]
TEMPLATES = [{"BACKEND": "django.template.backends.django.DjangoTemplates", "APP_DIRS": True}]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": os.environ.get("DATABASE_HOST", "database"),
        "NAME": os.environ.get("DATABASE_NAME", "autograder"),
        "USER": os.environ.get("DATABASE_USER", "autograder"),
        "PASSWORD": secret("DATABASE_PASSWORD"),
        "CONN_MAX_AGE": 60,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {"connect_timeout": 5},
    }
}
MEDIA_ROOT = os.environ.get("MEDIA_ROOT", "/var/lib/autograder/media")
DATA_UPLOAD_MAX_MEMORY_SIZE = 64 << 10
USE_TZ = True
TIME_ZONE = "UTC"
