"""Published lists as the authorities write them, made by us: the same two people in every format.

Names, numbers and addresses are invented. Each function returns a file's bytes.
"""

from __future__ import annotations

WALLET = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080"

SERVICE = "https://sanctionslistservice.ofac.treas.gov/api/PublicationPreview/exports"

OFAC_CLASSIC = f"""<?xml version="1.0" standalone="yes"?>
<sdnList xmlns="{SERVICE}/XML">
<publshInformation><Publish_Date>11/20/2026</Publish_Date><Record_Count>2</Record_Count>
</publshInformation>
<sdnEntry><uid>90001</uid><firstName>Karim Salih</firstName><lastName>AL-SAMPLI</lastName>
<sdnType>Individual</sdnType><programList><program>SDGT</program><program>CYBER2</program>
</programList><idList>
<id><uid>1</uid><idType>Digital Currency Address - XBT</idType><idNumber>{WALLET}</idNumber></id>
<id><uid>2</uid><idType>Passport</idType><idNumber>A1234567</idNumber></id></idList>
<akaList><aka><uid>3</uid><type>a.k.a.</type><category>strong</category>
<lastName>SAMPLEE</lastName><firstName>Kareem</firstName></aka>
<aka><uid>4</uid><type>a.k.a.</type><category>weak</category><lastName>ABU NIMR</lastName></aka>
</akaList><dateOfBirthList><dateOfBirthItem><uid>5</uid><dateOfBirth>03 Apr 1971</dateOfBirth>
<mainEntry>true</mainEntry></dateOfBirthItem><dateOfBirthItem><uid>6</uid>
<dateOfBirth>circa 1972</dateOfBirth><mainEntry>false</mainEntry></dateOfBirthItem>
</dateOfBirthList></sdnEntry>
<sdnEntry><uid>90002</uid><lastName>NORTHERN SAMPLE TRADING CO</lastName>
<sdnType>Entity</sdnType><programList><program>SDGT</program></programList></sdnEntry>
</sdnList>""".encode()

OFAC_ADVANCED = f"""<?xml version="1.0" encoding="utf-8"?>
<Sanctions xmlns="{SERVICE}/ADVANCED_XML">
<DateOfIssue CalendarTypeID="1"><Year>2026</Year><Month>11</Month><Day>20</Day></DateOfIssue>
<ReferenceValueSets>
<FeatureTypeValues><FeatureType ID="8" FeatureTypeGroupID="1">Birthdate</FeatureType>
<FeatureType ID="344" FeatureTypeGroupID="1">Digital Currency Address - XBT</FeatureType>
</FeatureTypeValues>
<NamePartTypeValues><NamePartType ID="1520">Last Name</NamePartType>
<NamePartType ID="1521">First Name</NamePartType></NamePartTypeValues>
<PartySubTypeValues><PartySubType ID="4" PartyTypeID="1">Unknown</PartySubType>
<PartySubType ID="3" PartyTypeID="2">Unknown</PartySubType></PartySubTypeValues>
<PartyTypeValues><PartyType ID="1">Individual</PartyType><PartyType ID="2">Entity</PartyType>
</PartyTypeValues></ReferenceValueSets>
<DistinctParties><DistinctParty FixedRef="90001"><Comment/><Profile ID="90001" PartySubTypeID="4">
<Identity ID="1" FixedRef="90001" Primary="true" False="false">
<Alias FixedRef="90001" AliasTypeID="1400" Primary="false" LowQuality="true">
<DocumentedName ID="2" FixedRef="90001" DocNameStatusID="2"><DocumentedNamePart>
<NamePartValue NamePartGroupID="71" ScriptID="215" Acronym="false">ABU NIMR</NamePartValue>
</DocumentedNamePart></DocumentedName></Alias>
<Alias FixedRef="90001" AliasTypeID="1403" Primary="true" LowQuality="false">
<DocumentedName ID="3" FixedRef="90001" DocNameStatusID="1"><DocumentedNamePart>
<NamePartValue NamePartGroupID="71" ScriptID="215" Acronym="false">AL-SAMPLI</NamePartValue>
</DocumentedNamePart><DocumentedNamePart>
<NamePartValue NamePartGroupID="72" ScriptID="215" Acronym="false">Karim Salih</NamePartValue>
</DocumentedNamePart></DocumentedName></Alias>
<NamePartGroups><MasterNamePartGroup><NamePartGroup ID="71" NamePartTypeID="1520"/>
</MasterNamePartGroup><MasterNamePartGroup><NamePartGroup ID="72" NamePartTypeID="1521"/>
</MasterNamePartGroup></NamePartGroups></Identity>
<Feature ID="9" FeatureTypeID="8"><FeatureVersion ID="10" ReliabilityID="1"><DatePeriod>
<Start Approximate="false"><From><Year>1971</Year><Month>4</Month><Day>3</Day></From>
<To><Year>1971</Year><Month>4</Month><Day>3</Day></To></Start>
<End Approximate="false"><From><Year>1971</Year><Month>4</Month><Day>3</Day></From>
<To><Year>1971</Year><Month>4</Month><Day>3</Day></To></End></DatePeriod></FeatureVersion></Feature>
<Feature ID="11" FeatureTypeID="344"><FeatureVersion ID="12" ReliabilityID="1">
<VersionDetail DetailTypeID="1432">{WALLET}</VersionDetail></FeatureVersion></Feature>
</Profile></DistinctParty>
<DistinctParty FixedRef="90002"><Profile ID="90002" PartySubTypeID="3"><Identity ID="20">
<Alias Primary="true" LowQuality="false"><DocumentedName ID="21"><DocumentedNamePart>
<NamePartValue NamePartGroupID="73">NORTHERN SAMPLE TRADING CO</NamePartValue>
</DocumentedNamePart></DocumentedName></Alias></Identity></Profile></DistinctParty>
</DistinctParties><SanctionsEntries><SanctionsEntry ID="1" ProfileID="90001" ListID="1550">
<SanctionsMeasure ID="2" SanctionsTypeID="1"><Comment>SDGT</Comment></SanctionsMeasure>
</SanctionsEntry></SanctionsEntries></Sanctions>""".encode()

OFAC_SDN_CSV = (
    b'90001,"AL-SAMPLI, Karim Salih","individual","SDGT] [CYBER2",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b"-0- ,\"DOB 03 Apr 1971; alt. DOB circa 1972; POB Sampletown; a.k.a. 'ABU NIMR'; "
    b"Passport A1234567 (Nowhere); Digital Currency Address - XBT " + WALLET.encode() + b'."\r\n'
    b'90002,"NORTHERN SAMPLE TRADING CO",-0- ,"SDGT",-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,-0- ,'
    b"-0- \r\n\x1a"
)
OFAC_ALT_CSV = b'90001,3,"aka","SAMPLEE, Kareem",-0- \r\n\x1a'

EU = """<?xml version="1.0" encoding="UTF-8"?>
<export xmlns="http://eu.europa.ec/fpi/fsd/export" generationDate="2026-11-20T10:00:00.000+01:00"
 globalFileId="1"><sanctionEntity designationDetails="" unitedNationId=""
 euReferenceNumber="EU.9001.1" logicalId="9001"><regulation regulationType="regulation"
 programme="TAQA" logicalId="1"><publicationUrl>x</publicationUrl></regulation>
<subjectType code="person" classificationCode="P"/>
<nameAlias firstName="Karim" middleName="Salih" lastName="al-Sampli"
 wholeName="Karim Salih al-Sampli" gender="M" strong="true" logicalId="2"/>
<nameAlias firstName="" middleName="" lastName="" wholeName="كريم صالح السمبلي" strong="true"/>
<nameAlias firstName="" middleName="" lastName="" wholeName="Abu Nimr" strong="false"/>
<citizenship countryIso2Code="XX"/>
<birthdate circa="false" calendarType="GREGORIAN" birthdate="1971-04-03" dayOfMonth="3"
 monthOfYear="4" year="1971" city="Sampletown"/>
<birthdate circa="true" calendarType="GREGORIAN" year="1972"/>
<birthdate circa="false" calendarType="GREGORIAN" yearRangeFrom="1970" yearRangeTo="1973"/>
<birthdate circa="false" calendarType="ISLAMIC" birthdate="1391-02-08" year="1391"/>
<identification identificationTypeCode="passport" number="A1234567" countryIso2Code="XX"/>
</sanctionEntity><sanctionEntity euReferenceNumber="EU.9002.1" logicalId="9002">
<subjectType code="enterprise" classificationCode="E"/>
<nameAlias wholeName="Northern Sample Trading Co" strong="true"/></sanctionEntity></export>"""

UN = """<?xml version="1.0" encoding="utf-8"?>
<CONSOLIDATED_LIST xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance"
 dateGenerated="2026-11-20T22:00:00.000Z"><INDIVIDUALS><INDIVIDUAL><DATAID>9001</DATAID>
<VERSIONNUM>1</VERSIONNUM><FIRST_NAME>KARIM</FIRST_NAME><SECOND_NAME>SALIH</SECOND_NAME>
<THIRD_NAME>AL-SAMPLI</THIRD_NAME><UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE>
<REFERENCE_NUMBER>QDi.901</REFERENCE_NUMBER><NAME_ORIGINAL_SCRIPT>كريم صالح السمبلي
</NAME_ORIGINAL_SCRIPT><INDIVIDUAL_ALIAS><QUALITY>Good</QUALITY>
<ALIAS_NAME>Kareem Samplee</ALIAS_NAME></INDIVIDUAL_ALIAS><INDIVIDUAL_ALIAS><QUALITY>Low</QUALITY>
<ALIAS_NAME>Abu Nimr</ALIAS_NAME></INDIVIDUAL_ALIAS>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>EXACT</TYPE_OF_DATE><DATE>1971-04-03</DATE>
</INDIVIDUAL_DATE_OF_BIRTH><INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>BETWEEN</TYPE_OF_DATE>
<FROM_YEAR>1970</FROM_YEAR><TO_YEAR>1973</TO_YEAR></INDIVIDUAL_DATE_OF_BIRTH>
<INDIVIDUAL_DATE_OF_BIRTH><TYPE_OF_DATE>APPROXIMATELY</TYPE_OF_DATE><YEAR>1972</YEAR>
</INDIVIDUAL_DATE_OF_BIRTH><INDIVIDUAL_DOCUMENT><TYPE_OF_DOCUMENT>Passport</TYPE_OF_DOCUMENT>
<NUMBER>A1234567</NUMBER></INDIVIDUAL_DOCUMENT></INDIVIDUAL></INDIVIDUALS>
<ENTITIES><ENTITY><DATAID>9002</DATAID><FIRST_NAME>NORTHERN SAMPLE TRADING CO</FIRST_NAME>
<UN_LIST_TYPE>Al-Qaida</UN_LIST_TYPE><REFERENCE_NUMBER>QDe.902</REFERENCE_NUMBER><ENTITY_ALIAS>
<QUALITY>a.k.a.</QUALITY><ALIAS_NAME>NSTC</ALIAS_NAME></ENTITY_ALIAS></ENTITY></ENTITIES>
</CONSOLIDATED_LIST>"""

OFSI_HEADS = (
    "Name 6,Name 1,Name 2,Name 3,Name 4,Name 5,Title,Name Non-Latin Script,DOB,Passport Number,"
    "National Identification Number,Group Type,Alias Type,Alias Quality,Regime,Last Updated,"
    "Group ID"
)
OFSI_CSV = (
    f"Last Updated,20/11/2026\r\n{OFSI_HEADS}\r\n"
    "ABU NIMR,,,,,,,,00/00/1972,,,Individual,AKA,Low quality,Sampleland,01/02/2026,9001\r\n"
    "AL-SAMPLI,Karim,Salih,,,,Dr,كريم صالح السمبلي,03/04/1971,A1234567,,Individual,"
    '"Primary name",,Sampleland,01/02/2026,9001\r\n'
    "NORTHERN SAMPLE TRADING CO,,,,,,,,,,,Entity,Primary name,,Sampleland,01/02/2026,9002\r\n"
).encode("utf-8-sig")

OFSI_XML = """<?xml version="1.0" encoding="utf-8"?>
<ArrayOfFinancialSanctionsTarget xmlns="http://schemas.hmtreasury.gov.uk/ofsi/consolidatedlist"
 xmlns:i="http://www.w3.org/2001/XMLSchema-instance"><FinancialSanctionsTarget>
<AliasQuality i:nil="true"/><AliasType>Primary name</AliasType><GroupID>9001</GroupID>
<GroupTypeDescription>Individual</GroupTypeDescription>
<Individual_DateOfBirth>03/04/1971</Individual_DateOfBirth>
<Individual_PassportNumber>A1234567</Individual_PassportNumber>
<LastUpdated>2026-11-20T00:00:00</LastUpdated><Name6>AL-SAMPLI</Name6>
<NameNonLatinScript>كريم صالح السمبلي</NameNonLatinScript><RegimeName>Sampleland</RegimeName>
<name1>Karim</name1><name2>Salih</name2></FinancialSanctionsTarget><FinancialSanctionsTarget>
<AliasQuality>Low quality</AliasQuality><AliasType>AKA</AliasType><GroupID>9001</GroupID>
<GroupTypeDescription>Individual</GroupTypeDescription><Name6>ABU NIMR</Name6>
</FinancialSanctionsTarget><FinancialSanctionsTarget><AliasType>Primary name</AliasType>
<GroupID>9002</GroupID><GroupTypeDescription>Entity</GroupTypeDescription>
<Name6>NORTHERN SAMPLE TRADING CO</Name6></FinancialSanctionsTarget>
</ArrayOfFinancialSanctionsTarget>"""

UK_XML = """<?xml version="1.0" encoding="utf-8"?>
<Designations><DateGenerated>20/11/2026</DateGenerated><Designation>
<LastUpdated>01/02/2026</LastUpdated><UniqueID>SAM0001</UniqueID><OFSIGroupID>9001</OFSIGroupID>
<Names><Name><Name6>Abu Nimr</Name6><NameType>Alias</NameType>
<AliasStrength>Low quality a.k.a</AliasStrength></Name><Name><Name1>Karim</Name1>
<Name2>Salih</Name2><Name6>AL-SAMPLI</Name6><NameType>Primary Name</NameType></Name></Names>
<NonLatinNames><NonLatinName><NameNonLatinScript>كريم صالح السمبلي</NameNonLatinScript>
</NonLatinName></NonLatinNames><RegimeName>Sampleland</RegimeName>
<IndividualEntityShip>Individual</IndividualEntityShip><IndividualDetails><Individual><DOBs>
<DOB>03/04/1971</DOB><DOB>dd/mm/1972</DOB></DOBs><PassportDetails><Passport>
<PassportNumber>A1234567</PassportNumber></Passport></PassportDetails></Individual>
</IndividualDetails></Designation><Designation><UniqueID>SAM0002</UniqueID><Names><Name>
<Name6>Northern Sample Trading Co</Name6><NameType>Primary Name</NameType></Name></Names>
<RegimeName>Sampleland</RegimeName><IndividualEntityShip>Entity</IndividualEntityShip>
</Designation></Designations>"""

UK_CSV = (
    "Report Date: 20/11/2026\r\nLast Updated,Unique ID,OFSI Group ID,Name 6,Name 1,Name 2,Name 3,"
    "Name 4,Name 5,Name type,Alias strength,Name non-latin script,D.O.B,Designation Type,"
    "Regime Name\r\n"
    "01/02/2026,SAM0001,9001,AL-SAMPLI,Karim,Salih,,,,Primary Name,,كريم صالح السمبلي,03/04/1971,"
    "Individual,Sampleland\r\n"
    "01/02/2026,SAM0001,9001,Abu Nimr,,,,,,Alias,Low quality a.k.a,,dd/mm/1972,Individual,"
    "Sampleland\r\n"
    "01/02/2026,SAM0002,9002,Northern Sample Trading Co,,,,,,Primary Name,,,,Entity,Sampleland\r\n"
).encode()

FILES: dict[str, tuple[str, bytes]] = {
    "OFAC SDN XML": ("SDN.XML", OFAC_CLASSIC),
    "OFAC SDN advanced XML": ("SDN_ADVANCED.XML", OFAC_ADVANCED),
    "OFAC SDN CSV": ("SDN.CSV", OFAC_SDN_CSV),
    "EU FSF XML 1.1": ("eu.xml", EU.encode()),
    "UN consolidated XML": ("consolidated.xml", UN.encode()),
    "OFSI consolidated CSV": ("ConList.csv", OFSI_CSV),
    "OFSI consolidated XML": ("ConList.xml", OFSI_XML.encode()),
    "UK Sanctions List XML": ("UK-Sanctions-List.xml", UK_XML.encode()),
    "UK Sanctions List CSV": ("UK-Sanctions-List.csv", UK_CSV),
}
"""By the name that our reader gives the format: a file's usual name, and its bytes."""
