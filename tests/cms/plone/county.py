"""Run by `zconsole run` inside Plone, not by us: makes the site of a county with its columns and accounts, and commits it.

What a person does in the browser after installing Plone, in the order of docs/adapters/plone.md: the add-on plone.restapi,
the workflow, the columns as folders, a folder for files, an account with roles in these folders only.
"""

from __future__ import annotations

import json
import sys
from typing import Any

import transaction
from AccessControl.SecurityManagement import newSecurityManager
from Products.CMFPlone.factory import addPloneSite
from Testing.makerequest import makerequest
from zope.component.hooks import setSite
from zope.globalrequest import setRequest

FOLDERS = {"yaowen": "要闻", "ceshi": "测试", "fujian": "附件"}
"""The columns and the folder of files, by their ids."""


def make(root: Any, accounts: dict[str, str]) -> None:
    """accounts: the password of `syncd`, who may work in FOLDERS only, and of `editor`, who may work everywhere."""
    app = makerequest(root)
    setRequest(app.REQUEST)
    newSecurityManager(None, app.acl_users.getUserById("admin").__of__(app.acl_users))
    site = addPloneSite(
        app, "county", title="某县人民政府", default_language="zh-cn", setup_content=False, distribution_name="classic",
    )
    setSite(site)
    site.portal_setup.runAllImportStepsFromProfile("plone.restapi:default")
    site.portal_workflow.setDefaultChain("simple_publication_workflow")
    for name, password in accounts.items():
        site.acl_users.userFolderAddUser(name, password, ["Member"], [])
    for id, title in FOLDERS.items():
        site.invokeFactory("Folder", id, title=title)
        site.portal_workflow.doActionFor(site[id], "publish")
        site[id].manage_setLocalRoles("syncd", ["Contributor", "Reviewer"])
        site[id].reindexObjectSecurity()
    site.manage_setLocalRoles("editor", ["Contributor", "Editor", "Reviewer"])
    site.reindexObjectSecurity()
    transaction.commit()


make(app, json.loads(sys.argv[-1]))  # noqa: F821 - zconsole gives the application
